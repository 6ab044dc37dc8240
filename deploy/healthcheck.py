"""Ask the service in this container whether it can work. For Docker, as the image has no curl.

It runs every few seconds beside each service, so it imports next to nothing.
"""

import socket
import sys

ADDRESS = ("127.0.0.1", 8000)
REQUEST = b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
READY = b"HTTP/1.1 200 "


def main() -> int:
    """Return 0 when the service is ready, 1 otherwise. Docker keeps what is printed."""
    answer = b""
    try:
        with socket.create_connection(ADDRESS, timeout=3) as connection:
            connection.sendall(REQUEST)
            while received := connection.recv(4096):
                answer += received
    except OSError as error:
        answer = str(error).encode()
    sys.stdout.write(answer.decode(errors="replace").rpartition("\r\n")[2])
    return 0 if answer.startswith(READY) else 1


if __name__ == "__main__":
    sys.exit(main())
