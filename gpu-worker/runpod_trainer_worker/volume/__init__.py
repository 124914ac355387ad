"""Everything of one volume to another one: the `volume` commands."""
