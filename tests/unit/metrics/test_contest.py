from __future__ import annotations

from deepfit.metrics.contest import kept, review, rounds


def history(distances, diversity=0.9, recall=0.5, told=0.7):
    """Records of a game: the best is the least distance so far; a list gives a value a round."""
    count = len(distances)
    each = [value if isinstance(value, list) else [value] * count for value in (diversity, recall, told)]
    records = [{"phase": "features", "scores": {"accuracy": 0.9}, "losses": {"loss": 1.0}, "best": True}]
    for place, distance in enumerate(distances):
        scores = {"frechet_distance": distance, "diversity": each[0][place], "recall": each[1][place]}
        best = distance <= min(distances[: place + 1])
        losses = {"real_above_made": each[2][place]}
        records.append({"phase": "contest", "scores": scores, "losses": losses, "best": best})
    return records


def said(*given, **more):
    return [concern.message for concern in review(history(*given, **more))]


def test_of_a_game_that_went_well_nothing_is_said():
    assert said([50, 30, 20, 15]) == []
    assert said([50, 30, 20, 21]) == []
    assert review([]) == []


def test_the_kept_round_is_the_last_best_one():
    records = rounds(history([50, 20, 30, 19, 40]))
    assert len(records) == 5
    assert kept(records) == 3


def test_a_discriminator_that_tells_everything_apart_while_nothing_gets_better_has_won():
    found = said([50, 20, 21, 22, 23, 24, 25, 26], told=[0.7, 0.8, 0.9] + [0.995] * 5)
    assert len(found) == 1
    assert "discriminator won outright: in the last 2 rounds it told 99.5%" in found[0]
    assert "weights of round 2" in found[0]


def test_as_long_as_the_pictures_get_better_it_has_not_won():
    assert said([50, 40, 30, 20, 10, 9, 8, 7], told=0.999) == []


def test_a_generator_whose_pictures_become_alike_has_collapsed():
    found = said([50, 20, 60, 80], diversity=[0.5, 0.9, 0.3, 0.1], recall=[0.2, 0.4, 0.1, 0.05])
    assert len(found) == 1
    assert "collapsed after round 2" in found[0]
    assert "from 90% to 10%" in found[0]


def test_a_recall_of_nothing_is_a_collapse_too():
    assert "collapsed after round 1" in said([20, 60], recall=[0.4, 0.0])[0]


def test_less_variety_at_no_greater_distance_is_no_collapse():
    assert said([20, 22], diversity=[1.0, 0.4]) == []


def test_a_generator_that_never_varied_is_named():
    assert "never made varied pictures" in said([90, 80], diversity=0.01, recall=0.0)[0]
