"""Whether a file can be downloaded, answered within seconds.

TFDS retries for more than three minutes before it gives a download up, and a name server that does
not answer can hang a thread for as long, whatever timeout the connection has.
"""

import queue
import threading
from urllib.parse import urlsplit

PATIENCE = 5.0  # seconds


def probe(url: str, seconds: float = PATIENCE) -> None:
    """Asks for a file's headers.

    Args:
        url: Address of the file itself: that one host answers says nothing about another.
        seconds: How long to wait in all, name look-up included.

    Raises:
        ConnectionError: If there is no answer in time, or one that isn't "here it is".
    """
    answers: queue.Queue[Exception | None] = queue.Queue()

    def ask() -> None:
        import requests  # as TFDS downloads, with the same proxies and certificates

        try:
            requests.head(url, timeout=seconds, allow_redirects=True).raise_for_status()
            answers.put(None)
        except Exception as error:
            answers.put(error)

    # A daemon, because nothing can end a thread that hangs in a look-up: it must not keep the
    # process from ending.
    threading.Thread(target=ask, daemon=True).start()
    try:
        trouble = answers.get(timeout=seconds)
    except queue.Empty:
        trouble = TimeoutError(f"no answer within {seconds:g} s")
    if trouble is not None:
        why = f"{urlsplit(url).hostname}: {type(trouble).__name__}"
        raise ConnectionError(why) from trouble
