"""From raw material to the parquet files that training reads."""
