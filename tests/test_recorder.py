from service.recorder import Recorder


def test_no_observer_reaches_the_request_that_it_observes():
    def breaks(_exchange):
        raise OSError("no space left on device")

    seen, faults = [], []
    recorder = Recorder(
        lambda _environ, start: start("200 OK", []) or [b"answered"],
        closed=(breaks, seen.append),
        faulted=lambda observer, error: faults.append((observer, str(error))),
    )

    answer = recorder({"REQUEST_METHOD": "GET"}, lambda *_: None)
    assert list(answer) == [b"answered"]
    answer.close()

    assert len(seen) == 1
    assert faults == [("test_recorder", "no space left on device")]


def test_a_fault_that_cannot_be_told_reaches_nobody_either():
    broken = []

    def breaks(*_):
        broken.append(1)
        raise OSError

    recorder = Recorder(lambda *_: [b"answered"], closed=[breaks], faulted=breaks)

    answer = recorder({}, lambda *_: None)
    assert list(answer) == [b"answered"]
    answer.close()

    assert len(broken) == 2  # the observer, and the one that is told of it
