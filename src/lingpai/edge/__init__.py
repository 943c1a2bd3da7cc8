"""The parts that contracts are made of, the pipeline that runs them, the ASGI shell around it."""
