# Runs beside an official image's /start.sh, from the text of the pod's start command: MOUNT SECONDS API.
# It starts the keeper that an earlier one of this pod left its state for, as often as there is none, and ends the pod
# where that cannot be done, or where none was ever there when the seconds are over. It knows no key but by name.
import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.parse

mount, seconds, api = sys.argv[1], float(sys.argv[2]), urllib.parse.urlsplit(sys.argv[3])
pod = os.environ["RUNPOD_POD_ID"]
place = f"{mount}/.runpod-trainer/pods/{pod}"
began, left = time.time(), False


def alive() -> bool:
    with socket.socket(socket.AF_UNIX) as door:
        return door.connect_ex(f"\0runpod-trainer-keeper-{os.getuid()}-{pod}") == 0


# In a thread of its own, since a volume may hang. The first start of this pod counts, not that of this container.
def look() -> None:
    global began, left
    with contextlib.suppress(Exception):
        os.makedirs(place, exist_ok=True)
        try:
            open(f"{place}/began", "x").write(str(time.time()))
        except FileExistsError:
            began = min(began, float(open(f"{place}/began").read()))
    with contextlib.suppress(Exception):
        left = os.path.exists(f"{place}/keeper.json")
        if left:
            worker = json.load(open(f"{place}/keeper.json"))["worker"]
            subprocess.run([sys.executable, worker, "_resume", mount, sys.argv[3]], stdin=subprocess.DEVNULL)


def end(key: str) -> None:
    with contextlib.suppress(Exception):
        kind = http.client.HTTPSConnection if api.scheme == "https" else http.client.HTTPConnection
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "User-Agent": "runpod-trainer"}
        call = kind(api.netloc, timeout=20)
        call.request("POST", f"{api.path}/pods/{pod}/action", json.dumps({"action": "terminate"}), headers)
        call.getresponse().read()


looking = threading.Thread(target=look, daemon=True)
gone, pause = time.time(), 1
while True:
    time.sleep(pause)
    if alive():
        gone, pause = time.time(), 10
        continue
    if not looking.is_alive():
        looking = threading.Thread(target=look, daemon=True)
        looking.start()
        looking.join(10)
    late = time.time() - gone > 60 if left else time.time() - began > seconds
    pause = min(60, pause * 2) if late else 5
    for name in ("RUNPOD_API_KEY", "RUNPOD_TRAINER_END_KEY"):
        if late and os.environ.get(name, "{{")[:2] != "{{":
            end(os.environ[name])
