"""Small games with known answers, trained by the very schemes and optimizers of a run.

The bilinear game: the generator t minimizes t p, the discriminator p minimizes -t p. The Dirac-GAN
of Mescheder et al., 2018, arXiv:1801.04406: real data at 0, the generator puts its one example at
t, the discriminator's logit for x is p x; it is the bilinear game with a loss around t p.

Near the equilibrium a round is a linear map of (t, p) and of what is remembered. Each case has its
matrix, in double precision, whose powers the trajectory must follow, and its spectral radius
by formula: the rate at which training contracts, circles or grows.
"""

import jax
import numpy as np
import pytest

from configs import base
from gan_jax.core.devices import Devices
from gan_jax.data.batches import Batches, Examples
from gan_jax.examples import POINT
from gan_jax.game import averages, optimizers, schemes
from gan_jax.game.schemes import SCHEMES, Updates
from gan_jax.game.state import GANState, Player
from gan_jax.run.rounds import make_rounds

H = 0.4  # learning rate
EYE, TURN, ZERO = np.eye(2), np.array([[0.0, 1.0], [-1.0, 0.0]]), np.zeros((2, 2))


class DiracGAN:
    """A game of one number each.

    Args:
        loss: f of the losses f(t p) and -f(t p); the bilinear game without one.
        gamma: Of the discriminator's penalty gamma/2 p^2, which is R1 for the logit p x.
        noise: Deviation s of Gaussian instance noise on the real and on the fake example, of which
            the mean is taken over the two points +-s: exact for all that matters near 0.
    """

    axis_name = None
    kind = POINT
    generator_takes_reals = False

    def __init__(self, loss=lambda logit: logit, gamma=0.0, noise=0.0):
        self.loss, self.gamma, self.noise = loss, gamma, noise

    def value(self, t, p):
        """V(t, p) = E f(p x~) + E f(-p x), which the generator wants small at p and t."""
        noises = (self.noise, -self.noise) if self.noise else (0.0,)
        fakes = sum(self.loss(p * (t + noise)) for noise in noises) / len(noises)
        reals = sum(self.loss(-p * noise) for noise in noises) / len(noises)
        return fakes + reals

    def generator_objective(self, params, model_state, discriminator, reals, key):
        return self.value(params, discriminator["params"]), (model_state, {})

    value_objective = generator_objective  # `value` has both terms

    def discriminator_objective(self, params, model_state, generator, reals, key):
        penalty = 0.5 * self.gamma * params**2
        return penalty - self.value(generator["params"], params), (model_state, {})


def trajectory(game, rounds, start=(1.0, 0.5), size=1.0, optim=None, **schedule):
    """The trajectory (t, p) [rounds + 1, 2] of a scheme, with every round compiled as in a run.

    Args:
        game: The game.
        rounds: How many.
        start: (t, p) over `size`.
        size: At the start.
        optim: Fields of both players' optimizer, gradient descent with rate H if none is given.
        schedule: Fields of `config.schedule`.
    """
    start = size * np.array(start)
    config = base.get_config().schedule
    config.update(schedule)
    player = base.player(H, **{"name": "sgd", **(optim or {})})
    differentiable = schemes.chosen(config).differentiates
    optimizer = optimizers.build(player, "generator", rounds, differentiable=differentiable)
    updates = Updates(game, optimizer, optimizer, averages.exponential(0.0))
    players = [Player(x, {}, optimizer.init(x), np.int32(0)) for x in np.float32(start)]
    key = jax.random.key_data(jax.random.key(0))
    state = schemes.with_memory(config, GANState(np.int32(0), key, *players, None))
    devices = Devices(jax.devices()[:1])
    examples = Examples(np.zeros(1, np.float32))
    run_rounds = make_rounds(schemes.build(config, updates, 1), devices, Batches(1, 1, 0), examples)
    path = [start]
    for step in range(rounds):
        state, _ = run_rounds(state, step)
        path.append([float(state.generator.params), float(state.discriminator.params)])
    return np.array(path, np.float64)


# Maps of (t, p), followed by what is remembered. The bilinear game's gradients are TURN (t, p).


def alternate(k=1, m=1):
    of_p, of_t = np.array([[1, 0], [H, 1]]), np.array([[1, -H], [0, 1]])
    return np.linalg.matrix_power(of_t, m) @ np.linalg.matrix_power(of_p, k)


def alternate_with_momentum(beta):
    """Of (t, p, u_t, u_p), where u' = beta u - h gradient is added to the parameters."""
    of_p, of_t = np.eye(4), np.eye(4)
    of_p[[1, 3]] = [[H, 1, 0, beta], [H, 0, 0, beta]]
    of_t[[0, 2]] = [[1, -H, beta, 0], [0, -H, beta, 0]]
    return of_t @ of_p


def descend(jacobian):
    return EYE - H * jacobian


def regularized(gamma):
    return TURN + np.diag([0, gamma])


def logistic(logit):
    return -jax.nn.softplus(-logit)  # slope 1/2 and curvature -1/4 at 0


class Case:
    """One way to train, its matrix and its rate.

    Args:
        matrix: Of `every` rounds.
        radius: The matrix's spectral radius by formula; a string: that it is "below 1".
        game: Options of the game.
        memory: What is remembered at the start, as maps of (t, p).
        every: Rounds.
        options: Of `trajectory`.
    """

    def __init__(self, matrix, radius, game=None, memory=(), every=1, **options):
        self.matrix, self.radius, self.game, self.memory = matrix, radius, game or {}, memory
        self.every, self.options = every, options


ANGLE = np.arccos(1 - H**2 / 2)  # by which alternating updates turn
BY_PAST = np.sqrt((1 + np.sqrt(1 - 4 * H**2)) / 2)  # the larger root of x^2 - (1 - 2ih) x - ih
R1 = regularized(0.5)
CASES = {
    "simultaneous": Case(descend(TURN), np.sqrt(1 + H**2)),
    "joint": Case(EYE, 1.0),  # both losses sum to 0: nobody moves
    "joint, R1": Case(descend(np.diag([0, 0.5])), 1.0, {"gamma": 0.5}),  # and this is left
    "alternating": Case(alternate(), 1.0),
    "alternating, 3 to 2": Case(alternate(3, 2), 1.0, discriminator=3, generator=2),
    "alternating, negative momentum": Case(
        # Gidel et al., 2019, arXiv:1807.04740, theorem 6
        alternate_with_momentum(-0.5),
        "below 1",
        memory=(ZERO,),
        optim={"name": "momentum", "momentum": -0.5},
    ),
    "simultaneous, optimistic": Case(
        np.block([[descend(2 * TURN), H * EYE], [TURN, ZERO]]),
        BY_PAST,
        memory=(TURN,),  # the first update takes its own gradient for the last one
        optim={"name": "optimistic_gradient_descent"},
    ),
    "extragradient": Case(EYE - H * TURN @ descend(TURN), np.sqrt((1 - H**2) ** 2 + H**2)),
    "extrapolation_from_past": Case(
        np.block([[descend(TURN), H**2 * TURN], [TURN, -H * TURN]]), BY_PAST, memory=(ZERO,)
    ),
    # Two answers of the discriminator: the generator's loss is t (p + 2 h t).
    "unrolled": Case(descend(TURN + np.diag([4 * H, 0])), np.sqrt(1 - 3 * H**2), unroll=2),
    "lookahead": Case(
        (EYE + np.linalg.matrix_power(alternate(), 4)) / 2,
        np.sqrt((1 + np.cos(4 * ANGLE)) / 2),
        every=4,
        lookahead_rounds=4,
        lookahead_share=0.5,
    ),
    "consensus": Case(descend(TURN + 0.5 * EYE), np.hypot(1 - 0.5 * H, H), consensus_weight=0.5),
    "consensus, R1": Case(
        descend(R1 + 0.3 * R1.T @ R1), "below 1", {"gamma": 0.5}, consensus_weight=0.3
    ),
    "symplectic": Case(descend(TURN + 0.6 * EYE), np.hypot(1 - 0.6 * H, H), symplectic_weight=0.6),
    "symplectic, R1": Case(
        descend(R1 + 0.6 * TURN.T @ R1),
        "below 1",
        {"gamma": 0.5},
        symplectic_weight=0.6,
        symplectic_align=False,
    ),
    # The Dirac-GAN: it circles unless it is regularized.
    "alternating, Dirac WGAN and R1": Case(
        np.array([[1, -H], [0, 1]]) @ np.array([[1, 0], [H, 1 - 0.5 * H]]),
        np.sqrt(1 - 0.5 * H),
        {"gamma": 0.5},
    ),
    "simultaneous, Dirac WGAN and R1": Case(
        descend(R1), np.sqrt(1 - 0.5 * H + H**2), {"gamma": 0.5}
    ),
    "simultaneous, Dirac GAN": Case(
        descend(TURN / 2), np.sqrt(1 + H**2 / 4), {"loss": logistic}, size=0.01
    ),
    "simultaneous, Dirac GAN and R1": Case(
        descend(TURN / 2 + np.diag([0, 0.5])),
        np.sqrt(1 - 0.5 * H + H**2 / 4),
        {"loss": logistic, "gamma": 0.5},
        size=0.01,
    ),
    "simultaneous, Dirac GAN and instance noise": Case(
        descend(TURN / 2 + np.diag([0, 0.5])),
        np.sqrt(1 - 0.5 * H + H**2 / 4),
        {"loss": logistic, "noise": 1.0},
        size=0.01,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_scheme_goes_the_path_of_its_matrix_and_no_faster_than_its_rate(name):
    case, rounds = CASES[name], 24
    path = trajectory(DiracGAN(**case.game), rounds, scheme=name.split(",")[0], **case.options)
    eigenvalues = np.linalg.eigvals(case.matrix)
    radius = np.max(np.abs(eigenvalues))
    if case.radius == "below 1":
        assert radius < 0.99
    else:
        assert radius == pytest.approx(case.radius, rel=1e-12)
    whole = np.concatenate([path[0], *(start @ path[0] for start in case.memory)])
    expected = [whole]
    for _ in range(rounds // case.every):
        expected.append(case.matrix @ expected[-1])
    found, expected = path[:: case.every], np.array(expected)[:, :2]
    # To float32, and near 0 to what the matrix neglects: squares of 0.01.
    size = np.max(np.abs(expected))
    np.testing.assert_allclose(found, expected, atol=3e-4 * size)
    spread = np.linalg.cond(np.linalg.eig(case.matrix)[1])
    lengths = np.linalg.norm(found, axis=1)
    steps = np.arange(len(lengths))
    assert np.all(lengths <= 1.001 * spread * np.linalg.norm(whole) * radius**steps)
    assert (lengths[-1] < 0.5 * lengths[0]) == (radius < 0.97)


def test_every_scheme_has_its_proof():
    assert {name.split(",")[0] for name in CASES} == SCHEMES.keys()


def test_lengths_grow_contract_or_return_by_the_known_factor_each_round():
    """On the bilinear game the two maps are similarities: every single round has the factor."""
    for scheme in ("simultaneous", "extragradient"):
        lengths = np.linalg.norm(trajectory(DiracGAN(), 10, scheme=scheme), axis=1)
        np.testing.assert_allclose(lengths[1:] / lengths[:-1], CASES[scheme].radius, rtol=1e-5)
    t, p = trajectory(DiracGAN(), 200, scheme="alternating").T
    invariant = t**2 + p**2 + H * t * p  # an ellipse that alternating updates never leave
    np.testing.assert_allclose(invariant, invariant[0], rtol=1e-3)


@pytest.mark.parametrize("gamma", [0.5, -0.5])
def test_alignment_turns_towards_stable_and_away_from_unstable_points(gamma):
    """By algorithm 2 of Balduzzi et al. in double precision, from points all around and far out."""
    jacobian, signs = regularized(gamma), set()
    for angle in np.linspace(0, 2 * np.pi, 9)[:-1]:
        start = 3 * np.array([np.cos(angle), np.sin(angle)])
        xi = jacobian @ start
        pulled, turned = jacobian.T @ xi, TURN.T @ xi
        sign = np.sign((xi @ pulled) * (turned @ pulled) / 2 + 0.1)
        options = {"scheme": "symplectic", "symplectic_weight": 0.6, "start": start}
        path = trajectory(DiracGAN(gamma=gamma), 1, **options)
        np.testing.assert_allclose(path[1], start - H * (xi + sign * 0.6 * turned), rtol=1e-5)
        signs.add(sign)
    assert signs == {np.sign(gamma)}
