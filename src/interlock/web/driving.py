"""Going on with runs after a decision, beside the server: the answer does not wait for what the run does next."""

from __future__ import annotations

import logging
from concurrent.futures import Future, ThreadPoolExecutor

from interlock.engine.service import DECISION_PATIENCE, Engine
from interlock.errors import DrivenElsewhere, InterlockError, RunBusy

LOG = logging.getLogger("interlock.web")


class Driving:
    """Drives runs in threads of this process; what goes wrong is logged, and the run can be resumed."""

    def __init__(self, engine: Engine, at_once: int = 2) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="interlock-drive")

    def go_on(self, run_id: str) -> Future[None]:
        """Drive a run until it ends or waits; the future is there for whoever wants to know when."""
        return self._threads.submit(self._drive, run_id)

    def _drive(self, run_id: str) -> None:
        try:
            self._engine.drive(run_id, patience=DECISION_PATIENCE)
        except (RunBusy, DrivenElsewhere):
            LOG.info("run %s goes on elsewhere", run_id)  # its driver takes the decision up
        except InterlockError as error:
            LOG.error("run %s stopped: %s Go on: interlock runs resume %s", run_id, error.message, run_id)
        except Exception:
            LOG.exception("run %s stopped; go on: interlock runs resume %s", run_id, run_id)

    def close(self) -> None:
        """Let what is being driven come to its next rest, and begin nothing more."""
        self._threads.shutdown(wait=True, cancel_futures=True)
