"""A real SLURM cluster on this one machine: controller, accounting in a database, and logical nodes with false GPUs.

Nodes c1… are of the partition `cpu`; g1… of `gpu`, and of `urgent`, whose jobs preempt those of `gpu`. Each says it has
4 cores, or as many as are asked for. All daemons belong to this process' user, root (a GPU's file is a character
device, and `mknod` wants root), listen on free ports of 127.0.0.1, and are ended by their process number.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

PACKAGES = "slurm-wlm slurmdbd munge mariadb-server slurm-wlm-basic-plugins slurm-wlm-mysql-plugin"
PROGRAMS = ("slurmctld", "slurmd", "slurmdbd", "munged", "mariadbd", "mariadb-install-db", "sbatch", "sacctmgr")
MEMORY_MB, GPUS = 8000, 2  # of a node
PATIENCE_S = 60


def missing() -> str | None:
    """Return why no cluster can be had here, None where one can."""
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    if absent:
        return f"NO SLURM CLUSTER: {', '.join(absent)} not installed (apt-get install {PACKAGES})"
    return None if os.geteuid() == 0 else "NO SLURM CLUSTER: it needs root"


def free_ports(count: int) -> list[int]:
    """Return ports of 127.0.0.1 that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [item.getsockname()[1] for item in sockets]
    for item in sockets:
        item.close()
    return ports


def wait_until(true: Callable[[], object], what: str, patience_s: float = PATIENCE_S, pause_s: float = 0.2) -> None:
    """Wait until `true` says so; after `patience_s` fail with `what`."""
    give_up = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < give_up, f"{what}: not within {patience_s} s"
        time.sleep(pause_s)


@dataclass(frozen=True)
class Cluster:
    """A cluster below a folder; `start` it, `stop` it."""

    folder: Path
    cpu_nodes: int = 4
    gpu_nodes: int = 2
    cores: int = 4  # of a node

    @property
    def nodes(self) -> list[str]:
        """The names of all nodes."""
        return [f"c{n + 1}" for n in range(self.cpu_nodes)] + [f"g{n + 1}" for n in range(self.gpu_nodes)]

    @property
    def environment(self) -> dict[str, str]:
        """What a client needs in its environment."""
        return {**os.environ, "SLURM_CONF": str(self.folder / "etc/slurm.conf")}

    def start(self) -> None:
        """Write the configuration and start every daemon; return when all nodes are idle."""
        for name in ("etc", "state", "log", "run", "db", "gpus", *(f"spool/{node}" for node in self.nodes)):
            (self.folder / name).mkdir(parents=True)
        for folder in (self.folder, *self.folder.parents):
            folder.chmod(folder.stat().st_mode | 0o111)  # munge wants its socket's folders open to all
        self._write_configuration(*free_ports(3 + len(self.nodes)))
        self._start_database()
        key = self.folder / "etc/munge.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(1024))
        said = [f"--{name}={self.folder}/{path}" for name, path in MUNGE.items()]
        self.run("munged", *said)
        self.start_accounting()
        for what in (["cluster", "tests"], ["account", "tests"], ["user", "root", "Account=tests"]):
            self.run("sacctmgr", "-i", "add", *what)
        self.start_controller()
        for node in self.nodes:
            self.start_node(node)
        wait_until(lambda: self.idle() == set(self.nodes), "all nodes idle")

    def stop(self) -> None:
        """End every daemon and every job's processes."""
        for path in sorted((self.folder / "run").glob("*.pid"), key=lambda path: STOP_ORDER.index(path.stem[:6])):
            if path.read_text().strip():
                _end(int(path.read_text()), signal.SIGTERM)
        for process in self._step_daemons():
            _end_tree(process)

    def run(self, *command: str, check: bool = True) -> str:
        """Run a client or start a daemon; return what it wrote."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=PATIENCE_S)
        assert done.returncode == 0 or not check, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def idle(self) -> set[str]:
        """Return the nodes that wait for work."""
        lines = self.run("sinfo", "-h", "-N", "-o", "%N %T", check=False).splitlines()
        return {line.split()[0] for line in lines if line.endswith(" idle")}

    def start_accounting(self) -> None:
        """Start the accounting daemon."""
        command = ["slurmdbd"]
        database = {"MYSQL_UNIX_PORT": str(self.folder / "db.sock")}
        subprocess.run(command, env={**self.environment, **database}, check=True, timeout=PATIENCE_S)
        wait_until(lambda: subprocess.call(["sacctmgr", "-n", "show", "cluster"], **self._quiet()) == 0, "accounting")

    def stop_accounting(self) -> None:
        """End the accounting daemon; the controller keeps what it would tell it."""
        _end(self._pid("slurmdbd"), signal.SIGTERM)

    def start_controller(self) -> None:
        """Start the controller, with the state an earlier one left."""
        self.run("slurmctld")

    def stop_controller(self) -> None:
        """End the controller; jobs go on."""
        _end(self._pid("slurmctld"), signal.SIGTERM)

    def start_node(self, node: str) -> None:
        """Start a node's daemon."""
        self.run("slurmd", "-N", node)

    def crash_node(self, node: str) -> None:
        """Kill a node's daemon and all that runs on the node, at once."""
        steps = [process for process in self._step_daemons() if self._node_of(process) == node]
        for process in (psutil.Process(self._pid(f"slurmd.{node}")), *steps):
            _end_tree(process)

    def jobs(self, *fields: str) -> list[tuple[str, ...]]:
        """Return a tuple of accounting fields for every job, steps aside."""
        listing = self.run("sacct", "-X", "-n", "--parsable2", "--starttime", "00:00", f"--format={','.join(fields)}")
        return [tuple(line.split("|")) for line in listing.splitlines()]

    def jobs_of(self, job: str, *fields: str) -> tuple[str, ...]:
        """Return a job's accounting fields."""
        (found,) = [values for number, *values in self.jobs("JobIdRaw", *fields) if number == job]
        return tuple(found)

    def queue(self, state: str = "all") -> list[tuple[str, str, str]]:
        """Return (job, what it does, node) of the controller's jobs in a state."""
        listing = self.run("squeue", "-h", "-t", state, "-o", "%i|%k|%N")
        return [tuple(line.split("|")) for line in listing.splitlines()]

    def _pid(self, daemon: str) -> int:
        return int((self.folder / f"run/{daemon}.pid").read_text())

    def _quiet(self) -> dict:
        return {"env": self.environment, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}

    def _step_daemons(self) -> list[psutil.Process]:
        """Return the processes that watch over steps of this cluster's jobs."""
        return [
            process
            for process in psutil.process_iter(["name"])
            if process.info["name"] == "slurmstepd" and self._node_of(process)
        ]

    def _node_of(self, process: psutil.Process) -> str | None:
        """Return the node on which a step's watcher runs, None where it is none of this cluster."""
        try:
            folders = [Path(process.cwd()), *(Path(child.cwd()) for child in process.children(recursive=True))]
            environments = [process.environ(), *(child.environ() for child in process.children(recursive=True))]
        except psutil.Error:
            return None
        if not any(self.folder in (folder, *folder.parents) for folder in folders) and not any(
            environment.get("SLURM_CONF") == self.environment["SLURM_CONF"] for environment in environments
        ):
            return None
        return next((item["SLURMD_NODENAME"] for item in environments if "SLURMD_NODENAME" in item), "unknown")

    def _start_database(self) -> None:
        database = self.folder / "db"
        create = ["--no-defaults", "--user=root", "--auth-root-authentication-method=normal", "--skip-test-db"]
        self.run("mariadb-install-db", *create, f"--datadir={database}")
        sock = self.folder / "db.sock"
        options = ["--no-defaults", "--user=root", "--skip-networking", "--innodb-lock-wait-timeout=900"]
        options += [f"--datadir={database}", f"--socket={sock}", f"--pid-file={self.folder}/run/mariadb.pid"]
        subprocess.Popen(["mariadbd", *options], start_new_session=True, **self._quiet())
        client = ["mariadb", f"--socket={sock}", "-uroot", "-e"]
        wait_until(lambda: subprocess.call([*client, "select 1"], **self._quiet()) == 0, "the database")
        self.run(*client, "create user slurm@localhost identified by 'slurm'; grant all on slurm.* to slurm@localhost;")

    def _write_configuration(self, controller: int, accounting: int, _spare: int, *node_ports: int) -> None:
        lines = [*CONFIGURATION.format(folder=self.folder, host=socket.gethostname(), **locals()).splitlines()]
        gpus = []
        for node, port in zip(self.nodes, node_ports, strict=True):
            has = (
                f"NodeName={node} NodeHostname={socket.gethostname()} NodeAddr=127.0.0.1 Port={port} CPUs={self.cores}"
            )
            kind = f" Gres=gpu:h100:{GPUS}" if node.startswith("g") else ""
            lines.append(f"{has} RealMemory={MEMORY_MB} State=UNKNOWN{kind}")
            if kind:
                files = [self.folder / f"gpus/{node}-{number}" for number in range(GPUS)]
                for file in files:
                    os.mknod(file, 0o20666, os.makedev(1, 3))
                gpus.append(f"NodeName={node} AutoDetect=off Name=gpu Type=h100 File={','.join(map(str, files))}")
        lines.append(f"PartitionName=cpu Nodes=c[1-{self.cpu_nodes}] Default=YES MaxTime=60 DefaultTime=10 State=UP")
        if self.gpu_nodes:
            gpu_nodes = f"Nodes=g[1-{self.gpu_nodes}] MaxTime=60 DefaultTime=10 State=UP"
            lines.append(f"PartitionName=gpu {gpu_nodes} PriorityTier=1 GraceTime=30")
            lines.append(f"PartitionName=urgent {gpu_nodes} PriorityTier=10 PreemptMode=off")
        (self.folder / "etc/slurm.conf").write_text("\n".join(lines) + "\n")
        (self.folder / "etc/gres.conf").write_text("\n".join(gpus) + "\n")
        secret = self.folder / "etc/slurmdbd.conf"
        secret.touch(mode=0o600)
        secret.write_text(ACCOUNTING.format(folder=self.folder, accounting=accounting))


def _end(pid: int, number: signal.Signals) -> None:
    """Send a signal and wait for the end; a process that nobody reaps counts as ended."""
    try:
        process = psutil.Process(pid)
        process.send_signal(number)
        wait_until(lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, f"the end of {pid}")
    except psutil.NoSuchProcess:
        return


def _end_tree(process: psutil.Process) -> None:
    try:
        tree: Sequence[psutil.Process] = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for member in tree:
        _end(member.pid, signal.SIGKILL)


STOP_ORDER = ("slurmd", "slurmc", "munged", "mariad")  # by the first letters of the pid files
MUNGE = {
    "key-file": "etc/munge.key",
    "socket": "run/munge.sock",
    "pid-file": "run/munged.pid",
    "log-file": "log/munged.log",
    "seed-file": "run/munged.seed",
}
CONFIGURATION = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/run/munge.sock,cred_expire=5
CredType=cred/munge
SlurmctldPort={controller}
MpiDefault=none
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd.%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
ReturnToService=2
SlurmdParameters=config_overrides
SlurmctldParameters=enable_configless
SlurmctldTimeout=30
SlurmdTimeout=10
InactiveLimit=0
KillWait=5
MinJobAge=300
MailProg=/bin/true
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0,defer_batch=0
JobRequeue=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
PropagateResourceLimits=NONE
DefMemPerCPU=256
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={accounting}
AccountingStoragePass={folder}/run/munge.sock
AccountingStorageTRES=gres/gpu
AccountingStoreFlags=job_comment
"""
ACCOUNTING = """\
AuthType=auth/munge
AuthInfo=socket={folder}/run/munge.sock
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={accounting}
SlurmUser=root
LogFile={folder}/log/slurmdbd.log
PidFile={folder}/run/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm
"""
