"""What was looked up lately is known for a while, and no longer."""

from mezzotint.services.recent import Recent


def test_a_value_is_known_until_its_time_is_over_or_it_is_forgotten():
    clock = [0.0]
    recent: Recent[str, int] = Recent(10, 5.0, clock=lambda: clock[0])
    recent.put("a", 1)
    recent.put("b", 2)
    clock[0] = 4.9
    assert (recent.get("a"), recent.get("b"), recent.get("c")) == (1, 2, None)
    recent.forget("a")
    recent.forget("a")
    assert (recent.get("a"), recent.get("b")) == (None, 2)
    clock[0] = 5.0
    assert recent.get("b") is None


def test_it_holds_no_more_than_it_may():
    recent: Recent[int, int] = Recent(3, 60.0)
    for number in range(5):
        recent.put(number, number)
    assert [number for number in range(5) if recent.get(number) is not None] == [2, 3, 4]
