"""Uploading at a shell to a running installation, whose processes may be another user's than the file."""

import json

import requests


def test_a_picture_goes_from_the_shell_to_the_browser(shell, picture):
    picture.chmod(0o600)
    (asset,) = json.loads(shell("mezzotint", "upload", str(picture), "--to", "demo/studio/gallery", "--json"))
    answer = requests.get(asset["urls"]["template"].format(operations="w_32", ext="png"))
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png")
