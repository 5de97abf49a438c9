"""Mail with voting codes goes out piece by piece; what is over is forgotten by the clock."""

from commonweal.decide.registers import actions
from commonweal.decide.registers.models import CodeBatch
from commonweal.kit.clock import database_now
from commonweal.kit.jobs import job, periodic

A_CHUNK = 200


class SomeRefused(Exception):
    """The mail server put some off: the queue tries again in a while."""


@job("registers.post")
def post(batch_id: int) -> None:
    """Send some mails of a batch, and queue the rest; what went out before a crash is not sent again."""
    last: int | None = 0
    with actions.post() as server:
        for _sent in range(A_CHUNK):
            assert last is not None
            last = actions.send_next(
                batch_id=batch_id, after=last, at=database_now(), server=server
            )
            if last is None:
                break
    batch = CodeBatch.objects.filter(pk=batch_id).first()
    if batch is None or actions.close_batch(batch_id=batch_id):
        return
    if last is None:
        raise SomeRefused
    actions.send_later(batch=batch)


@periodic("registers.forget", cron="17 3 * * *")
def forget(timestamp: int) -> None:
    """Forget codes, addresses and registers that nobody needs any more."""
    actions.forget_what_is_over(at=database_now())
