"""Enrol, authenticate, renew, list and revoke over a real TLS server."""

import grpc
import pytest
from tests.server.device import noisy, reason_of

from grainseal.crypto.tokens import keys_of_jwks, verify_decision
from grainseal.proto.v1 import grainseal_pb2 as pb


def refused(reason, call, *arguments, **named):
    with pytest.raises(grpc.RpcError) as caught:
        call(*arguments, **named)
    assert reason_of(caught.value) == reason
    return caught.value


def test_enrolled_camera_is_accepted_and_its_token_verifies(world):
    party = world.backend()
    device = world.enrolled(party)
    decision = device.authenticate(noisy(device.code, world.rng), party.name)
    assert decision.accepted
    jwks = world.connection.authentication.GetKeys(pb.GetKeysRequest()).jwks
    assert (world.config.data / "jwks.json").read_text() == jwks
    claims = verify_decision(decision.token, keys_of_jwks(jwks), party.name)
    verified = party.verify(decision.token)
    assert verified.enrollment_id == claims.enrollment_id == device.enrollment_id
    assert verified.subject == claims.subject
    assert verified.purpose == "authenticate"
    assert verified.expires_at == verified.issued_at + 120
