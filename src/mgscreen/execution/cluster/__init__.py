"""Tasks on a queue: Parsl's high-throughput executor behind ``concurrent.futures.Executor``."""
