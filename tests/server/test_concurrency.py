"""Many clients at once: all decided, none lost, none counted twice."""

from concurrent.futures import ThreadPoolExecutor

from tests.server.device import Connection, TestDevice, noisy, random_code

CLIENTS = 6
EACH = 3


def test_parallel_clients(world):
    party = world.backend()

    def client(number):
        connection = Connection.to(world.server.address, world.server.ca_file)
        device = TestDevice(connection, codes[number])
        device.enroll(tickets[number])
        decisions = [device.authenticate(probe, party.name) for probe in probes[number]]
        connection.close()
        return device, decisions

    codes = [random_code(world.rng) for _ in range(CLIENTS)]
    tickets = [world.ticket() for _ in range(CLIENTS)]
    # Every third is another camera's.
    probes = [[noisy(code, world.rng), noisy(code, world.rng), -code] for code in codes]
    with ThreadPoolExecutor(CLIENTS) as clients:
        finished = list(clients.map(client, range(CLIENTS)))

    assert all([d.accepted for d in decisions] == [True, True, False] for _, decisions in finished)
    tokens = {d.token for _, decisions in finished for d in decisions if d.accepted}
    assert len(tokens) == CLIENTS * (EACH - 1)
    assert len({device.enrollment_id for device, _ in finished}) == CLIENTS
    with world.server.service.store.transaction() as tx:
        totals = [tx.enrollments.find(d.enrollment_id).failures_total for d, _ in finished]
    assert totals == [1] * CLIENTS


def test_one_probe_sent_many_times_at_once_is_answered_once(world):
    party = world.backend()
    device = world.enrolled(party)
    session = device.begin(party.name)
    request = device.probe_request(session, device.encrypt(noisy(device.code, world.rng)))
    with ThreadPoolExecutor(4) as clients:
        first, *others = clients.map(device.submit_probe, [request] * 4)
    assert all(sums == first for sums in others)
    assert device.finish(device.opening(session, first)).accepted
