"""What every system test may ask for."""

import pytest

import server as server_module
from sink import Sink


def pytest_configure(config):
    assert server_module.BINARY.exists(), \
        f"there is no {server_module.BINARY}: run script/build {server_module.PROFILE}"


@pytest.fixture
def make_server():
    """Makes servers that end with the test; a failed test keeps none."""
    made = []

    def make(**arguments):
        made.append(server_module.Server(**arguments))
        return made[-1]

    yield make
    for server in made:
        server.close()


@pytest.fixture
def make_sink():
    made = []

    def make(**arguments):
        made.append(Sink(**arguments))
        return made[-1]

    yield make
    for sink in made:
        sink.close()


@pytest.fixture
def server(make_server):
    """A running server for here.test, with ann and bob."""
    made = make_server()
    made.add_domain("here.test")
    made.add_account("ann@here.test")
    made.add_account("bob@here.test")
    return made.start()


@pytest.fixture
def far(make_sink):
    """A mail exchanger for far.test."""
    return make_sink()


@pytest.fixture
def relay(make_server, far):
    """The same server, which knows far.test."""
    made = make_server(hosts={"far.test": far.address}, mx_port=far.port)
    made.add_domain("here.test")
    made.add_account("ann@here.test")
    made.add_account("bob@here.test")
    return made.start()
