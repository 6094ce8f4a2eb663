"""Reads messages with Python's email package: for each file named on stdin, one line of JSON with its parts in order,
each with its headers and its decoded body, in hexadecimal."""
import email, email.policy, json, sys

for name in sys.stdin.read().split("\n"):
    if not name:
        continue
    with open(name, "rb") as file:
        message = email.message_from_binary_file(file, policy=email.policy.compat32)
    parts = []
    for part in message.walk():
        body = None
        if not part.is_multipart():
            body = part.get_payload(decode=True)
        parts.append({
            "type": part.get_content_type(),
            "headers": [[key, str(value).encode("utf-8", "surrogateescape").hex()] for key, value in part.items()],
            "body": None if body is None else body.hex(),
        })
    print(json.dumps(parts))
