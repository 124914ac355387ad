"""Gate of the step `raw`: every manifest names a WAV file that is as long as the manifest says.

The last line of output is the evidence. It does not ask which colors there are: that is the next step's gate.
"""

import json
import sys
import wave

from app.extractors.manifest_extractor.build_base_manifest_db import read_manifests
from app.manifest import Manifest, ManifestError
from app.paths import MANIFESTS, RAW


def fault(manifest: Manifest) -> str | None:
    """What is wrong with a song's audio, None when nothing is."""
    try:
        with wave.open(str(RAW / manifest.audio), "rb") as file:
            seconds = file.getnframes() / file.getframerate()
    except (OSError, EOFError, wave.Error) as error:
        return f"{manifest.audio}: {error}"
    if abs(seconds - manifest.seconds) > 0.001:
        return f"{manifest.audio}: {seconds:.2f} s instead of {manifest.seconds:.2f} s"
    return None


def main() -> int:
    """Exit code 0 when all songs have their audio."""
    try:
        manifests = read_manifests(MANIFESTS)
    except ManifestError as error:
        print(json.dumps({"fault": str(error)}))
        return 1
    faults = [text for text in map(fault, manifests) if text is not None]
    for text in faults[:10]:
        print(text, file=sys.stderr)
    print(json.dumps({"songs": len(manifests), "faults": len(faults)}))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
