"""A stranger's plug-ins, enabled in the tests' pools, that do what no decoder should: `deeds` names it all."""
