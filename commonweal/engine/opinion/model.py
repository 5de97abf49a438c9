"""A model of the votes that were seen: how likely everyone agrees with every statement."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from commonweal.engine.opinion import model_kernel
from commonweal.engine.opinion.votes import Votes

Floats = NDArray[np.float64]
MOST_DIMENSIONS = 4
LEAST_WIDTH = 0.3  # below this the bound would shrink directions that do help to predict
LEAST_GAIN = 0.003
LEAST_SCORED = 30
SURE = (2.5, 1.5, 1.5, 1.5)  # standard errors
_SETTLED = 2e-3
_LEAST_EASE = 1e-3
_SHORT = 6
_FAR = 1.7  # steps of statements, so many times as long as they need be; 2 would never settle


@dataclass(frozen=True, eq=False)
class Model:
    """Where people and statements stand, and how sure that is.

    The log odds that person ``i`` agrees with statement ``j``, given that they do not pass, are
    ``b[j] + a[i] + u[i] . v[j]``: how popular the statement is, how easily the person agrees, and
    how the person's position ``u`` lies to the statement's direction ``v``. Everything is known up
    to a normal distribution. Positions of all people have mean 0 and variance 1 in each direction,
    and the directions are sorted, the one that divides most first.

    Parameters
    ----------
    mean : float64 array, shape (people + 1, dimensions + 1)
        The expected ``(a, u)``. The last row is for somebody who has not voted.
    spread : float64 array, shape (people + 1, triangle)
        Their covariance, upper triangle row by row.
    first, second : float64 arrays, shapes (statements + 1, dimensions + 2) and (..., triangle)
        Expected ``(b, 1, v)`` of statements, and of its products. The last row is for a statement
        that nobody has voted on.
    ease : float
        How much ``a`` varies between people (a variance of log odds).
    popularity : pair of float
        Mean and variance of ``b`` over statements.
    width : float64 array, shape (dimensions,)
        How much each direction moves the log odds: the variance of ``v``.
    """

    mean: Floats
    spread: Floats
    first: Floats
    second: Floats
    ease: float
    popularity: tuple[float, float]
    width: Floats

    @property
    def dimensions(self) -> int:
        """How many directions there are."""
        return len(self.width)

    @property
    def positions(self) -> Floats:
        """Where everybody stands; float64 array, shape (people, dimensions)."""
        return self.mean[:-1, 1:]

    @property
    def unsure(self) -> Floats:
        """How unsure that is, a covariance; float64 array, shape (people, dimensions, dimensions)."""
        return full(self.spread[:-1], self.dimensions + 1)[:, 1:, 1:]

    @property
    def directions(self) -> Floats:
        """The direction of each statement; float64 array, shape (statements, dimensions)."""
        return self.first[:-1, 2:]

    def odds(self, person: ArrayLike, statement: ArrayLike) -> tuple[Floats, Floats]:
        """Return mean and variance of the log odds of pairs given by place; -1 is a stranger."""
        who, what = np.asarray(person, dtype=np.int64), np.asarray(statement, dtype=np.int64)
        middle, variance = np.empty(len(who)), np.empty(len(who))
        model_kernel.compiled().odds(
            who,
            what,
            self.mean,
            self.spread,
            self.first,
            self.second,
            middle,
            variance,
        )
        return middle, variance

    def probability(self, person: ArrayLike, statement: ArrayLike) -> Floats:
        """Return for each pair how likely the person agrees, given that they do not pass.

        What is unsure about person and statement draws the probability towards a half (MacKay's
        approximation of the integral). Time O(pairs).
        """
        middle, variance = self.odds(person, statement)
        return logistic(middle / np.sqrt(1 + np.pi * variance / 8))

    def of(self, people: NDArray[np.intp]) -> "Model":
        """Return the model of some people only, given by their places, and of the stranger."""
        rows = np.append(people, len(self.mean) - 1)
        return replace(self, mean=self.mean[rows], spread=self.spread[rows])

    def drawn(
        self, people: NDArray[np.intp], speak: Floats, rng: np.random.Generator
    ) -> NDArray[np.bool_]:
        """Draw which of these people agree with each statement.

        ``speak`` says how likely somebody does not pass on it; whoever does agrees with the chances
        of :meth:`probability`, in steps of one in 65,536. Time and memory O(people x statements).
        """
        shape = (len(people), len(speak))
        out = np.empty(shape, dtype=np.bool_)
        chance = np.frombuffer(rng.bytes(4 * out.size), dtype="<u2").reshape(2, *shape)
        speaks = np.round(np.asarray(speak) * 65536).astype(np.int64)
        model_kernel.compiled().drawn(
            self.mean[people], self.spread[people], self.first, self.second, speaks, *chance, out
        )
        return out


def refreshed(model: Model, votes: Votes, people: NDArray[np.intp]) -> Model:
    """Bring some people up to date with their newest votes, and leave statements as they are.

    Parameters
    ----------
    model : Model
        Of earlier votes of the same people on the same statements.
    votes : Votes
        All votes, the newest too.
    people : int array
        The places of those who voted since, rising.

    Returns
    -------
    Model

    Raises
    ------
    ValueError
        If there are other people or statements than in the model: fit it anew then.

    Notes
    -----
    Time O(votes of these people), and a copy of the positions.

    References
    ----------
    As :func:`fit`.

    Examples
    --------
    >>> votes = Votes.from_log([1, 1, 2, 2], [7, 8, 7, 8], [1, -1, 1, -1])
    >>> model = fit(votes, dimensions=0)
    >>> later = votes.updated([2], [8], [1])
    >>> newer = refreshed(model, later, np.array([1]))
    >>> bool(newer.probability([1], [1])[0] > model.probability([1], [1])[0])
    True
    """
    if (len(model.mean), len(model.first)) != (len(votes.people) + 1, len(votes.statements) + 1):
        raise ValueError("the model has other people or statements; fit it anew")
    few = votes.among(people)
    state = _State.warm(few, model)
    state._people(few, np.zeros((0, 0)), np.zeros((0, 0)), turns=3, fresh=True)
    mean, spread = model.mean.copy(), model.spread.copy()
    mean[people], spread[people] = state.mean, state.spread
    return replace(model, mean=mean, spread=spread)


def refitted(model: Model, votes: Votes) -> Model:
    """Place the people of these votes on a map that stays as it is. Time O(votes)."""
    state = _State.warm(votes, model)
    return state.finished(votes, turns=2)


def logistic(odds: Floats) -> Floats:
    """Return the probability that belongs to log odds, without overflow."""
    return 0.5 + 0.5 * np.tanh(0.5 * odds)


def full(packed: Floats, size: int) -> Floats:
    """Unpack upper triangles into symmetric matrices."""
    rows, columns = np.triu_indices(size)
    out = np.empty((len(packed), size, size))
    out[:, rows, columns] = packed[:, : len(rows)]
    out[:, columns, rows] = packed[:, : len(rows)]
    return out


def packed(matrices: Floats, width: int) -> Floats:
    """Pack symmetric matrices as their upper triangles, with zeros up to the width."""
    rows, columns = np.triu_indices(matrices.shape[1])
    out = np.zeros((len(matrices), width))
    out[:, : len(rows)] = matrices[:, rows, columns]
    return out


def fit(
    votes: Votes, *, dimensions: int = MOST_DIMENSIONS, sweeps: int = 60, warm: Model | None = None
) -> Model:
    """Fit the model to votes. Passes do not count.

    Parameters
    ----------
    votes : Votes
        Any number, none too.
    dimensions : int
        How many directions there are.
    sweeps : int
        The most passes over the votes; it ends earlier where nothing moves any more.
    warm : Model, optional
        Begin from its statements, which must be the same as here, and its dimensions. People begin
        anew.

    Returns
    -------
    Model
        The same bits for the same votes, whatever order they came in.

    Raises
    ------
    ValueError
        If dimensions or sweeps are not sensible, or ``warm`` has other statements.

    Notes
    -----
    Variational Bayes: people, statements, and the strength of the directions are updated in turn,
    each given what is known of the others, by a lower bound of the logistic function (Jaakkola and
    Jordan). Statements go somewhat further than the bound says, and between sweeps the directions are turned,
    stretched and moved to what they are defined to be, which makes it settle in tens of sweeps instead of hundreds. It begins at the singular
    vectors of the votes. Time O(votes x dimensions^2) a sweep, memory O((people + statements) x
    dimensions^2).

    References
    ----------
    Jaakkola and Jordan (2000), "Bayesian parameter estimation via variational methods"; Bishop
    (1999), "Variational principal components", for directions that shrink; Salakhutdinov and Roweis
    (2003), "Adaptive overrelaxed bound optimization methods"; Liu, Rubin and Wu (1998),
    "Parameter expansion to accelerate EM".

    Examples
    --------
    >>> votes = Votes.from_log([1, 1, 2, 2, 3, 3], [7, 8, 7, 8, 7, 8], [1, -1, 1, -1, 1, 1])
    >>> model = fit(votes, dimensions=1)
    >>> model.probability([0, 0], [0, 1]).round(1).tolist()
    [0.7, 0.5]
    """
    if not 0 <= dimensions <= 16 or sweeps < 1:
        raise ValueError(f"dimensions is {dimensions} and sweeps {sweeps}")
    if warm is not None and len(warm.first) != len(votes.statements) + 1:
        raise ValueError("the model to begin from has other statements")
    state = _State.of(votes, dimensions) if warm is None else _State.warm(votes, warm)
    for sweep in range(sweeps):
        before = state.scales
        state.sweep(votes, fresh=sweep == 0)
        moved = np.abs(np.log(state.scales / before)).max()
        if sweep >= 4 and moved < _SETTLED:
            break
    return state.finished(votes)


class _State:
    """What changes while the model is fitted."""

    def __init__(self, votes: Votes, first: Floats, second: Floats, width: Floats) -> None:
        size = first.shape[1]
        self.first, self.second, self.width = first, second, width
        self.mean = np.zeros((len(votes.people), size - 1))
        self.spread = np.zeros((len(votes.people), size * (size - 1) // 2))
        self.ease = 1.0
        self.popularity = (0.0, 1.0)

    @classmethod
    def of(cls, votes: Votes, dimensions: int) -> "_State":
        agree, disagree = votes.agrees, votes.disagrees
        rate = (agree + 1) / (agree + disagree + 2)
        first = np.ones((len(rate), dimensions + 2))
        first[:, 0] = np.log(rate / (1 - rate))
        first[:, 2:] = np.sqrt(len(rate)) * singular(votes, rate, dimensions)
        unsure = np.full(dimensions + 2, 0.1)
        unsure[:2] = 0.3, 0.0
        second = first[:, :, None] * first[:, None, :] + np.diag(unsure)
        return cls(
            votes, first, packed(second, model_kernel.width_of(dimensions + 2)), np.ones(dimensions)
        )

    @classmethod
    def warm(cls, votes: Votes, model: Model) -> "_State":
        state = cls(votes, model.first[:-1].copy(), model.second[:-1].copy(), model.width)
        state.ease, state.popularity = model.ease, model.popularity
        return state

    @property
    def precision(self) -> Floats:
        return np.concatenate(([1 / self.ease], np.ones(len(self.width))))

    @property
    def scales(self) -> Floats:
        """How much people and statements differ: what says that it settles."""
        return np.concatenate((self.width, [self.ease, self.popularity[1]]))

    def sweep(self, votes: Votes, *, fresh: bool) -> None:
        """Update people, statements, and what is common to them."""
        a_sum, l_sum = np.zeros_like(self.second), np.zeros_like(self.first)
        self._people(votes, a_sum, l_sum, turns=2 if fresh else 1, fresh=fresh)
        onto = self._moved() if len(votes.people) else np.eye(self.first.shape[1])
        self._statements(a_sum, l_sum, onto)

    def _people(
        self, votes: Votes, a_sum: Floats, l_sum: Floats, *, turns: int, fresh: bool
    ) -> None:
        model_kernel.compiled().sweep(
            votes.start,
            votes.statement,
            votes.value,
            self.first,
            self.second,
            self.precision,
            turns,
            fresh,
            self.mean,
            self.spread,
            a_sum,
            l_sum,
        )

    def _moved(self) -> Floats:
        """Move and stretch positions to mean 0 and variance 1; return what that does to statements."""
        inside = self.mean.shape[1]
        rows, columns = np.triu_indices(inside)
        middle = self.mean.mean(axis=0)
        cover = self.mean.T @ self.mean / len(self.mean) - np.outer(middle, middle)
        unsure = np.zeros_like(cover)
        unsure[rows, columns] = unsure[columns, rows] = self.spread.mean(axis=0)
        cover += unsure
        self.ease = max(float(cover[0, 0]), _LEAST_EASE)
        root = np.linalg.cholesky(cover[1:, 1:])
        back = np.eye(inside)
        back[1:, 1:] = np.linalg.inv(root)
        self._carried(back, middle)
        onto = np.eye(inside + 1)
        onto[0, 1:] = middle
        onto[2:, 2:] = root.T
        return onto

    def _carried(self, back: Floats, middle: Floats | float = 0.0) -> None:
        self.mean = (self.mean - middle) @ back.T
        self.spread = self.spread @ _on_triangles(back).T

    def _statements(self, a_sum: Floats, l_sum: Floats, onto: Floats) -> None:
        """Update the statements, move them along, and sort the directions by how much they divide."""
        count, dimensions = len(self.first), len(self.width)
        middle, variance = self.popularity
        prior = np.concatenate(([1 / variance], 1 / self.width))
        squares = np.zeros((dimensions, dimensions))
        kernel = model_kernel.compiled()
        kernel.settled(
            a_sum, l_sum, prior, middle / variance, onto, _FAR, self.first, self.second, squares
        )
        if dimensions:
            squares += np.triu(squares, 1).T
            turn = np.linalg.eigh(squares)[1][:, ::-1]
            turn = np.ascontiguousarray(turn * np.where((turn**3).sum(axis=0) < 0, -1.0, 1.0))
            kernel.turned(self.first, self.second, turn)
            back = np.eye(dimensions + 1)
            back[1:, 1:] = turn.T
            self._carried(back)
            squares = turn.T @ squares @ turn
        self._hyper(count, np.diag(squares))

    def _hyper(self, count: int, squares: Floats) -> None:
        """Learn how statements differ from one another, with a little doubt."""
        popular = self.first[:, 0]
        middle = float(popular.sum() / (count + 1))
        variance = float((self.second[:, 0] - 2 * middle * popular + middle**2).sum())
        self.popularity = (middle, (1.0 + variance) / (count + 1))
        self.width = np.maximum(LEAST_WIDTH, (0.01 + squares) / (1 + count))

    def finished(self, votes: Votes, *, turns: int = 1) -> Model:
        """Look at everybody once more, or anew if in several turns, and add the strangers."""
        self._people(votes, np.zeros((0, 0)), np.zeros((0, 0)), turns=turns, fresh=turns > 1)
        size = self.first.shape[1]
        middle, variance = self.popularity
        stranger = np.diag(np.concatenate(([self.ease], np.ones(size - 2))))
        unknown = np.zeros(size)
        unknown[:2] = middle, 1.0
        moments = np.outer(unknown, unknown)
        moments += np.diag(np.concatenate(([variance, 0.0], self.width)))
        return Model(
            np.vstack((self.mean, np.zeros(size - 1))),
            np.vstack((self.spread, packed(stranger[None], self.spread.shape[1]))),
            np.vstack((self.first, unknown)),
            np.vstack((self.second, packed(moments[None], self.second.shape[1]))),
            self.ease,
            self.popularity,
            self.width,
        )


def _on_triangles(turn: Floats) -> Floats:
    """Return the matrix that does to a packed covariance what ``turn @ cov @ turn.T`` does to it."""
    rows, columns = np.triu_indices(len(turn))
    one = turn[rows][:, rows] * turn[columns][:, columns]
    other = turn[rows][:, columns] * turn[columns][:, rows]
    return one + np.where(rows == columns, 0.0, 1.0) * other


def singular(votes: Votes, rate: Floats, dimensions: int) -> Floats:
    """Return the leading singular vectors of what votes are above their statements' rates."""
    rng = np.random.default_rng(0)  # any start will do, but it must be the same one always
    found = rng.standard_normal((len(rate), dimensions))
    for _ in range(8 if dimensions and len(rate) else 0):
        across = np.linalg.qr(found)[0]
        found = np.zeros((len(rate), across.shape[1]))
        model_kernel.compiled().product(
            votes.start, votes.statement, votes.value, rate, across, found
        )
    if not dimensions or not len(rate):
        return np.zeros((len(rate), dimensions))
    left = np.linalg.svd(found, full_matrices=False)[0]
    out = np.zeros((len(rate), dimensions))
    out[:, : left.shape[1]] = left
    return out


@dataclass(frozen=True)
class Choice:
    """How the dimensions were chosen.

    ``dimensions`` is the number chosen; ``losses`` has the mean log loss of hidden votes with 0, 1,
    2 ... of them, until one more did not help; ``hidden`` is how many votes were hidden and scored;
    ``people`` how many people the choice was made on.
    """

    dimensions: int
    losses: tuple[float, ...]
    hidden: int
    people: int


def split(
    votes: Votes, rng: np.random.Generator, *, share: float = 0.1
) -> tuple[Votes, NDArray[np.bool_]]:
    """Hide a share of the votes at random; return the others, and which are hidden."""
    hidden = rng.random(len(votes)) < share
    return votes.chosen(~hidden), hidden


def log_loss(model: Model, votes: Votes, which: NDArray[np.bool_]) -> tuple[float, int]:
    """Return the sum of the log losses of these votes, and how many of them are no passes."""
    found = losses_of(model, votes, which)
    return float(found.sum()), len(found)


def losses_of(model: Model, votes: Votes, which: NDArray[np.bool_]) -> Floats:
    """Return the log loss of each of these votes that is no pass."""
    scored = which & (votes.value != 0)
    p = model.probability(votes.person[scored], votes.statement[scored])
    found: Floats = -np.log(np.maximum(np.where(votes.value[scored] > 0, p, 1 - p), 1e-12))
    return found


def doubts(one: Floats, other: Floats) -> float:
    """Say how many standard errors the losses of one lie above those of the other; 0 if too few."""
    worse = one - other
    if len(worse) < LEAST_SCORED:
        return 0.0
    return float(worse.mean() / max(worse.std() / np.sqrt(len(worse)), 1e-12))


def choose(votes: Votes, rng: np.random.Generator, *, folds: int = 3, sweeps: int = 20) -> Choice:
    """Choose the number of dimensions, 0 to 4, by how well hidden votes are predicted.

    Parameters
    ----------
    votes : Votes
        All of them, or those of a sample of people.
    rng : Generator
        Says which votes are hidden.
    folds : int
        How often a tenth is hidden.
    sweeps : int
        As in :func:`fit`, for each model that is tried.

    Returns
    -------
    Choice

    Notes
    -----
    Dimensions are added as long as each lowers the loss by 0.3 %, if that is
    hardly by chance: the first one by two and a half standard errors. The fit with one less
    begins at the one with more. Time O(folds x fits).

    References
    ----------
    Geisser (1975), "The predictive sample reuse method".

    Examples
    --------
    >>> votes = Votes.from_log([1, 1, 2, 2], [7, 8, 7, 8], [1, -1, 1, -1])
    >>> choose(votes, np.random.default_rng(1)).people
    2
    """
    return tried(votes, rng, folds=folds, sweeps=sweeps)[0]


def tried(
    votes: Votes, rng: np.random.Generator, *, folds: int, sweeps: int, quick: bool = False
) -> tuple[Choice, Model]:
    """Choose as :func:`choose`; also return the chosen model of the last votes that were known.

    If ``quick``, people alone are placed anew where there is one direction less.
    """
    told: list[Floats] = []
    models: list[Model] = []
    for _fold in range(folds):
        known, hidden = split(votes, rng)
        models = [fit(known, sweeps=sweeps)]
        while models[0].dimensions:  # the strongest directions of more are nearly those of fewer
            fewer = _lowered(models[0])
            models.insert(
                0, refitted(fewer, known) if quick else fit(known, sweeps=_SHORT, warm=fewer)
            )
        told.append(np.stack([losses_of(model, votes, hidden) for model in models]))
    each = np.concatenate(told, axis=1)
    losses = each.sum(axis=1) / max(each.shape[1], 1)
    worth = losses[1:] < (1 - LEAST_GAIN) * losses[:-1]
    worth &= [doubts(a, b) > sure for a, b, sure in zip(each, each[1:], SURE, strict=False)]
    dimensions = int(np.argmin(np.append(worth, False)))
    kept = tuple(losses[: dimensions + 2].tolist())
    return Choice(dimensions, kept, each.shape[1], len(votes.people)), models[dimensions]


def _lowered(model: Model) -> Model:
    """Leave out the direction that divides least."""
    size = model.first.shape[1] - 1
    second = packed(full(model.second, size + 1)[:, :size, :size], model_kernel.width_of(size))
    return replace(
        model,
        mean=model.mean[:, : size - 1],
        spread=packed(full(model.spread, size)[:, : size - 1, : size - 1], size * (size - 1) // 2),
        first=np.ascontiguousarray(model.first[:, :size]),
        second=second,
        width=model.width[:-1],
    )


def sample_of(votes: Votes, rng: np.random.Generator, *, most_votes: int) -> Votes:
    """Return the votes of so many people, chosen at random, as have about that many votes."""
    return votes.among(some_people(votes, rng, most_votes=most_votes))


def some_people(votes: Votes, rng: np.random.Generator, *, most_votes: int) -> NDArray[np.intp]:
    """Return the places of so many people, chosen at random, as have about that many votes."""
    everybody = np.arange(len(votes.people))
    if len(votes) <= most_votes:
        return everybody
    people = max(1, round(len(everybody) * most_votes / len(votes)))
    return np.sort(rng.choice(everybody, people, replace=False))
