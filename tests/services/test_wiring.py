"""What is set reaches the parts."""


def test_how_long_the_database_is_waited_for(house):
    with house.database.operator() as tx:
        assert tx.one("SHOW statement_timeout")["statement_timeout"] == "30s"
    assert house.database._operator.timeout == 30
