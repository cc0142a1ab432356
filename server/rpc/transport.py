"""The gRPC server: TLS, our services, health and reflection."""

import socket

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import SERVICE_NAME as HEALTH
from grpc_health.v1.health import aio as health
from grpc_reflection.v1alpha import reflection

from grainseal.proto.v1 import grainseal_pb2 as pb
from grainseal.proto.v1 import grainseal_pb2_grpc as rpc
from grainseal.server.config import ServerConfig
from grainseal.server.errors import Unavailable
from grainseal.server.service import Service
from grainseal.server.tls import Certificate

from .authentication import AuthenticationServicer
from .copyright import CopyrightServicer
from .enrollment import EnrollmentServicer
from .guard import Guard
from .log import LogServicer

PREFIX = "/grainseal.v1."


class Transport:
    """Serves a service over TLS. `start` and `stop` run in one event loop."""

    def __init__(self, service: Service, certificate: Certificate) -> None:
        config = service.authority.config
        self._config = config
        self._server = grpc.aio.server(
            interceptors=[Guard(PREFIX)],
            options=_options(config),
            maximum_concurrent_rpcs=config.max_concurrent_calls,
        )
        rpc.add_EnrollmentServiceServicer_to_server(  # type: ignore[no-untyped-call]
            EnrollmentServicer(service), self._server
        )
        rpc.add_AuthenticationServiceServicer_to_server(  # type: ignore[no-untyped-call]
            AuthenticationServicer(service), self._server
        )
        rpc.add_CopyrightServiceServicer_to_server(  # type: ignore[no-untyped-call]
            CopyrightServicer(service), self._server
        )
        rpc.add_LogServiceServicer_to_server(  # type: ignore[no-untyped-call]
            LogServicer(service), self._server
        )
        self._health = health.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._names = [service.full_name for service in pb.DESCRIPTOR.services_by_name.values()]
        reflection.enable_server_reflection(
            [*self._names, HEALTH, reflection.SERVICE_NAME], self._server
        )
        self._credentials = grpc.ssl_server_credentials([(certificate.key, certificate.chain)])

    def check(self) -> None:
        """`Unavailable` if the address cannot be listened on; gRPC would only log why."""
        host, port = self._config.host, self._config.port
        try:
            family, kind, protocol, _, where = socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM
            )[0]
            with socket.socket(family, kind, protocol) as trial:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                trial.bind(where)
        except OSError as error:
            raise Unavailable(f"cannot listen on {address(host, port)}: {error}") from None

    async def start(self) -> int:
        """Listen; the port."""
        where = address(self._config.host, self._config.port)
        try:
            port = self._server.add_secure_port(where, self._credentials)
        except RuntimeError as error:
            raise Unavailable(f"cannot listen on {where}: {error}") from None
        await self._server.start()
        for name in ("", *self._names):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        return int(port)

    async def stop(self) -> None:
        """Say so to health checks, take no new calls, let running ones end."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(self._config.grace)


def address(host: str, port: int) -> str:
    """HOST:PORT, an IPv6 host in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _milliseconds(seconds: float) -> int:
    return round(1000 * seconds)


def _options(config: ServerConfig) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", config.max_message_bytes),
        ("grpc.max_send_message_length", config.max_answer_bytes),
        ("grpc.max_concurrent_streams", config.max_calls_per_connection),
        ("grpc.max_connection_age_ms", _milliseconds(config.max_connection_age)),
        ("grpc.max_connection_age_grace_ms", _milliseconds(config.max_deadline)),
        ("grpc.max_connection_idle_ms", _milliseconds(config.max_connection_idle)),
        # Two servers on one port by mistake would share its calls at random.
        ("grpc.so_reuseport", 0),
    ]
