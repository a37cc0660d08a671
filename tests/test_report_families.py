"""What the report page says in numbers about families, from made-up tables."""

import pandas

from aann.report import families

RUN = {"task": "mnist", "sparsity": 90.0, "origin": "psiren", "search": "", "walk": "replace"}


def walk(line, *counts, seed=0, **keys):
    rows = [
        {**RUN, "line": line, "seed": seed, "layer": layer, "in_place": left, "connections": 40, "test_correct": right}
        for left, right in counts
        for layer in ("", "fc")
    ]
    return pandas.DataFrame(rows).assign(test_images=100, **keys)


def test_walks_are_told_by_both_ends_and_beside_moving_blindly():
    greedy = {"origin": "random", "search": "greedy", "sparsity": 80.0}
    table = pandas.concat(
        [
            *(walk(line, (40, 98), (10, end)) for line, end in (("walk", 97), ("blind", 10))),
            *(walk(line, (40, 96), (0, end), seed=1) for line, end in (("walk", 99), ("blind", 12))),
            *(walk(line, (40, 90), (20, end), **greedy) for line, end in (("walk", 91), ("blind", 20))),
        ]
    )
    found = families.walks(table, {"mnist": "MNIST"})
    assert found.to_numpy().tolist() == [
        [
            "p-SIREN, 90 % sparse",
            "87.50 % (75.00 to 100.00, n = 2)",
            "97.00 % (96.00 to 98.00, n = 2)",
            "98.00 % (97.00 to 99.00, n = 2)",
            "11.00 % (10.00 to 12.00, n = 2)",
        ],
        ["Random start, 80 % sparse, after greedy", "50.00 %", "90.00 %", "91.00 %", "20.00 %"],
    ]


def test_pairs_are_told_by_their_kind():
    pairs = pandas.DataFrame(
        {"first_set": "seeds", "second_set": other, "connections": 100, "distance": 180, "matched_distance": near}
        | {"disagreement": wrong, "test_images": 1000}
        for other, near, wrong in (("seeds", 160, 20), ("walkers", 150, 22), ("walkers", 150, 24))
    )
    found = families.members(pairs, {"seeds": "seeds", "walkers": "walkers"})
    assert found.Networks.tolist() == ["seeds", "seeds and walkers"]
    assert found["Places that differ, of the most possible"][0] == "90.00 %"
    assert found["After matching"][1] == "75.00 % (75.00 to 75.00, n = 2)"
    assert found["Test images on which they disagree"][1] == "2.30 % (2.20 to 2.40, n = 2)"


def test_paths_are_told_by_their_ends_and_their_lowest_point():
    routes = pandas.DataFrame(
        {"route": "to-a-walker", "line": "matched", "test_correct": right, "test_images": 100} for right in (98, 95, 97)
    )
    assert families.paths(routes).to_numpy().tolist() == [
        ["to a walker", "units matched", "98.00 %", "95.00 %", "97.00 %"]
    ]


def test_voters_are_the_most_of_each_set_on_images_as_they_are_and_disturbed():
    votes = pandas.DataFrame(
        {"set": name, "size": size, "disturbance": way, "test_correct": right - lost, "test_images": 100}
        for name, size, right in (("seeds", 1, 96), ("seeds", 1, 98), ("seeds", 2, 99), ("one", 2, 50))
        for way, lost in (("", 0), ("noisy", 20))
    )
    assert families.ensembles(votes).to_numpy().tolist() == [
        ["as they are", "seeds", "97.00 % (96.00 to 98.00, n = 2)", "2", "99.00 %"],
        ["noisy", "seeds", "77.00 % (76.00 to 78.00, n = 2)", "2", "79.00 %"],
    ]


def test_transfers_are_told_before_and_after_beside_networks_trained_there():
    counted = pandas.DataFrame(
        {"transfer": "away", "source": source, "search": search, "before_test_correct": before, "test_images": 100}
        | {"after_test_correct": after}
        for source, search, before, after in (("trained", "last", 10, 60), ("trained", "all", 10, 70), ("", "", 90, 90))
    )
    assert families.transfers(counted, {"away": "Digits to\nLetters"}).to_numpy().tolist() == [
        ["Digits to Letters", "trained", "last", "10.00 %", "60.00 %"],
        ["Digits to Letters", "trained", "all", "10.00 %", "70.00 %"],
        ["Digits to Letters", "trained on the new task, images as they are", "", "90.00 %", ""],
    ]
