"""Compares the answers that the suites saw with those that the contract describes: `seen.py SEEN FIGURES`.

Each of them was held against the contract as it came. Fails where an answer that is no refusal was seen nowhere.
"""

import json
import pathlib
import sys

seen_file, figures = map(pathlib.Path, sys.argv[1:])
contract = json.loads((pathlib.Path(__file__).parents[2] / "schemas/openapi.json").read_text())
described = {
    (operation["operationId"], int(status))
    for item in contract["paths"].values()
    for operation in item.values()
    for status in operation["responses"]
}
lines = (line.split() for line in seen_file.read_text().splitlines())
seen = {(operation, int(status)) for operation, status in lines}

missing = sorted(answer for answer in described - seen if answer[1] < 400)
for operation, status in missing:
    print(f"{operation} answered {status} nowhere")
operations = len({operation for operation, _ in described})
figure = f"{len(described & seen)} of {len(described)} answers of {operations} operations"
print(figure)
with figures.open("a") as file:
    file.write(f"seen and held against the contract: {figure}\n")
sys.exit(1 if missing else 0)
