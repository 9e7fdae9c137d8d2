from datetime import UTC, datetime, timedelta

from mezzotint.data import spaces, usage

DAY = timedelta(days=1)


def test_counters_add_up_by_space_and_metric(database, place):
    today = datetime.now(UTC).date()
    with database.scoped(place.scope) as tx:
        other = spaces.insert(tx, place.organization.id, place.tenant.id, "other", "Other")
        usage.add(tx, place.space.id, "uploads", 2)
        usage.add(tx, place.space.id, "uploads", 3)
        usage.add(tx, place.space.id, "upload_bytes", 10_000_000_000)
        usage.add(tx, other.id, "uploads", 1)
        # A day about today: this may run at midnight.
        span = {"since": today - DAY, "until": today + DAY}
        assert usage.totals(tx, **span) == {"uploads": 6, "upload_bytes": 10_000_000_000}
        assert usage.totals(tx, **span, space_id=other.id) == {"uploads": 1}
        assert usage.totals(tx, since=today - 9 * DAY, until=today - 5 * DAY) == {}
