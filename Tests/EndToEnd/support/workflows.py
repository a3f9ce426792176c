"""Definitions that several tests run."""


def three_steps(name="three-steps", functions=("bench.echo",) * 3, **last) -> dict:
    """Three steps in a row; 33, 66, 100 %."""
    steps = [{"name": step, "function": function, "with": "${{ inputs.value }}"}
             for step, function in zip(("one", "two", "three"), functions)]
    steps[-1].update(last)
    return {"name": name, "deliverable_type": "test", "steps": steps, "output": "${{ steps.three.output }}"}


def one_step(function: str, name="one-step", **step) -> dict:
    return {"name": name, "deliverable_type": "test",
            "steps": [{"name": "only", "function": function, "with": "${{ inputs }}", **step}]}
