"""The highest load that is carried without loss: a sweep over the whole range, then bisection of the interval in which the
loss begins (RFC 2544 26.1). Loads are whole numbers of any unit."""


def sweep_levels(most, steps):
    """At most so many loads, evenly up to `most`; the highest is last."""
    return sorted({max(most * step // steps, 1) for step in range(1, steps + 1)})


def without_loss(point):
    """Whether all that was to be offered was offered, and all of it arrived."""
    return not point["lost"] and not point["short"]


def search(trial, most, steps, refinements):
    """All points, in the order in which they were measured, and the best of those without loss, or None. `trial(level)`
    measures a point: an object with `lost` and `short` (the sender could not offer that much)."""
    points = {}
    for level in sweep_levels(most, steps):
        points[level] = trial(level)
    passed = [level for level in points if without_loss(points[level])]
    # A loss below a load that passed is a disturbance: what counts is where the losses begin for good.
    low = max(passed, default=0)
    high = min((level for level in points if level > low), default=None)
    for _ in range(refinements):
        if high is None or high - low < 2:
            break
        level = (low + high) // 2
        points[level] = trial(level)
        if without_loss(points[level]):
            low = level
        else:
            high = level
    return list(points.values()), points.get(low)
