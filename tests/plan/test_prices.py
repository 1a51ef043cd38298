"""Facts about what jobs are said to take, with costs that are round numbers."""

import pytest

from tavce.config.evaluation import Other
from tavce.plan.benchmarks import Rate
from tavce.plan.jobs import Workflow
from tavce.plan.learning import networks
from tavce.plan.prices import ASSUMED, ESTIMATE, MEASURED, OWN, UNKNOWN, Dataset, Prices
from tavce.plan.text import Sum, duration
from tavce.stages import SHARD_STAGES


def by_rule(settings, costs, shards=4, **changes):
    """Return the groups of corpus `a` by rule."""
    prices = Prices(costs, **changes)
    groups = Workflow(settings, {"a": Dataset(costs.datasets["a"], shards)}, prices).groups()
    return {rule: Sum([group for group in groups if group.rule == rule]) for rule in {group.rule for group in groups}}


def test_a_shards_job_takes_its_start_and_its_share_of_the_video(settings, costs):
    trim = by_rule(settings, costs)["trim"]
    assert trim.longest_s == 10 + 3600 / 4
    assert trim.core_s == 4 * 10 + 3600
    assert trim.bytes == pytest.approx(3600 * 1000)
    assert trim.origins == [MEASURED]


def test_twice_the_shards_take_no_more_than_twice_the_starts(settings, costs):
    few, many = by_rule(settings, costs, 4), by_rule(settings, costs, 8)
    for stage in SHARD_STAGES:
        assert many[stage].core_s - few[stage].core_s == pytest.approx(4 * 10)
        assert many[stage].bytes == pytest.approx(few[stage].bytes)
    assert many["basis"].core_s == few["basis"].core_s


def test_a_clip_and_a_megapixel_have_costs_of_their_own(settings, costs):
    dear = costs.stages["trim"].model_copy(update={"clip_s": 2.0, "pixel_s": 3.0, "pixel_bytes": 500.0})
    costs = costs.model_copy(update={"stages": {**costs.stages, "trim": dear}})
    trim = by_rule(settings, costs)["trim"]
    assert trim.core_s == pytest.approx(4 * 10 + 100 * 2 + 3600 * (1 + 3 * 1.0))
    assert trim.bytes == pytest.approx(3600 * 1500)


def test_whole_videos_are_fetched_at_the_speed_of_the_network(costs):
    price = Prices(costs).shard("download", "b", Dataset(costs.datasets["b"], 10))
    assert price.bytes == 3600 * 8e6 / 8  # a tenth of ten hours
    assert price.wall_s == pytest.approx(10 + 360 + 3600 * 8 / 80)
    assert price.origin == ASSUMED


def test_a_training_takes_its_operations_on_the_gpu(settings, costs):
    metric = by_rule(settings, costs)["train_metric"]
    samples = 2 * 80 * 10  # recipes, clips outside the test split, epochs; batches of 16 come out even
    assert metric.gpu_s == pytest.approx(samples * 1e12 / 2e12)
    assert metric.core_s == 4 * metric.gpu_s
    assert metric.origins == [ESTIMATE]


@pytest.mark.parametrize(("workers", "seconds"), [(4, 800 * 2.0), (0, 800 * (8.0 + 0.5))])
def test_a_training_waits_for_loaders_that_are_slower(settings, costs, workers, seconds):
    network = next(networks(settings))
    training = network.section.training.model_copy(update={"workers": workers})
    section = network.section.model_copy(update={"training": training})
    slow = costs.trainings[network.shape].model_copy(update={"loader_s": 8.0})
    costs = costs.model_copy(update={"trainings": {network.shape: slow}})
    network = type(network)(network.stage, network.name, section, network.shape)
    assert Prices(costs).training(network, 80).wall_s == pytest.approx(seconds)


def test_networks_that_were_not_counted_are_unknown_and_not_free(settings, costs):
    none = by_rule(settings, costs.model_copy(update={"trainings": {}}))
    assert none["train_renderer"].origins == [UNKNOWN]
    assert none["synthesise"].origins == [MEASURED, UNKNOWN]  # two methods render nothing


def test_what_the_command_of_another_method_takes_is_unknown(settings, costs):
    others = {"eamm": Other(command="x {portrait} {audio} {out}"), "pcavs": Other(videos="p")}
    rows = {**settings["methods"], "eamm": "EAMM", "pcavs": "PC-AVS"}
    rules = by_rule({**settings, "others": others, "methods": rows}, costs)
    assert [(group.price.wall_s, group.gpus) for group in rules["gather"].groups[:2]] == [(None, 0), (730, 0)]
    assert rules["gather"].origins == [MEASURED, UNKNOWN]


def test_the_test_videos_are_rendered_on_the_gpu(settings, costs):
    synthesise = by_rule(settings, costs)["synthesise"]
    seconds = 20 * 36  # of the test clips
    rendering_s = seconds * 25 * 1e11 / 2e12
    assert synthesise.longest_s == pytest.approx(10 + seconds + rendering_s)
    assert synthesise.gpu_s == pytest.approx(2 * synthesise.longest_s)
    assert synthesise.core_s == pytest.approx(4 * (4 * (10 + seconds) + 2 * rendering_s))


@pytest.mark.parametrize(("max_clips", "clips"), [(200, 20), (5, 5)])
def test_a_metric_is_asked_about_the_test_clips_but_no_more_than_the_settings_say(costs, max_clips, clips):
    dataset = Dataset(costs.datasets["a"], 10)
    assert Prices(costs).listen([dataset], max_clips).wall_s == pytest.approx(10 + clips * 36)
    assert Prices(costs).listen([], max_clips).wall_s == 10


def test_own_benchmarks_take_the_place_of_measured_costs(settings, costs):
    rates = {("a", "trim"): Rate(3, 0.5, 200, 900, 60), (None, "crop"): Rate(9, 0.25, 100, 800, 60)}
    own = by_rule(settings, costs, rates=rates)
    assert (own["trim"].core_s, own["trim"].bytes, own["trim"].origins) == (1800, 720_000, [OWN])
    assert (own["crop"].core_s, own["crop"].origins) == (900, [OWN])
    assert own["detect"].origins == [MEASURED]


@pytest.mark.parametrize(("stored", "origin"), [(0, ASSUMED), (100, OWN)])
def test_videos_that_were_not_fetched_say_nothing_of_a_network(costs, stored, origin):
    rates = {(None, "download"): Rate(3, 0.5, stored, None, 60)}
    assert Prices(costs, rates).shard("download", "b", Dataset(costs.datasets["b"], 10)).origin == origin
    assert Prices(costs, rates).shard("download", "a", Dataset(costs.datasets["a"], 10)).origin == OWN


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0-00:00"), (1, "0-00:01"), (3600, "0-01:00"), (90_061, "1-01:02"), (86_400 * 40, "40-00:00")],
)
def test_a_time_is_written_as_a_clusters_limit_and_rounded_up(seconds, text):
    assert duration(seconds) == text
