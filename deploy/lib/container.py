"""What a container engine would start for a service of deploy/compose.yaml: `container.py COMPOSE IMAGE SERVICE`, where
IMAGE is what `buildah inspect --type image` printed. Prints JSON for deploy/check-image.sh."""

import json
import sys

import yaml


def process(service: dict, image: dict) -> dict:
    """The command and the environment, the service's settings over the image's."""
    environment = dict(variable.split("=", 1) for variable in image["Env"]) | service["environment"]
    return {
        "command": [*image["Entrypoint"], *service["command"]],
        "environment": [f"{name}={value}" for name, value in environment.items()],
        "stop_grace_seconds": int(service["stop_grace_period"].removesuffix("s")),
    }


if __name__ == "__main__":
    compose, image, name = sys.argv[1:]
    with open(compose) as services, open(image) as inspected:
        print(json.dumps(process(yaml.safe_load(services)["services"][name], json.load(inspected)["Docker"]["config"])))
