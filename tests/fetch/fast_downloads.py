"""Settings under which downloads of tests lose no time."""

FAST = {"attempts": 2, "timeout_s": 1, "pause_s": 0.01, "per_host_s": 0, "closed_s": 0, "reserve_gb": 0}
