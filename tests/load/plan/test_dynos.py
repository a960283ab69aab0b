from load.plan.dynos import catalogue


def test_the_catalogue_has_what_the_buildpack_sets():
    defaults = {each.name: each.buildpack_workers for each in catalogue()}
    assert defaults["standard-1x"] == 2
    assert defaults["standard-2x"] == 4
    assert defaults["performance-m"] == 5
    assert defaults["performance-l"] == 17
    assert defaults["performance-l-ram"] == 9
    assert defaults["performance-2xl"] == 33
