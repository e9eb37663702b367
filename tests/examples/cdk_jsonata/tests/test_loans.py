"""The loan machine as `cdk synth` wrote it: the risk function runs, everyone else is played by mocks."""

import pytest

from stepsim.runtime.testing import Fails, Hangs, Returns

LETTER = Returns({"MessageId": "m-1"})
BUSY = Fails("Lambda.TooManyRequestsException", "Rate exceeded")


def rated(rating):
    return Returns({"StatusCode": 200, "Payload": {"rating": rating}})


pytestmark = pytest.mark.stepsim("cdk.out", mocks={"AskBureau": rated("A"), "SendOffer": LETTER, "SendRefusal": LETTER})


def applicant(debts):
    return {
        "applicant": {"name": "Ada", "incomes": [2500, 1500]},
        "debts": [{"monthly": debts}],
        "amount": 20000,
    }


def test_both_agree(stepsim, golden):
    result = stepsim(input=applicant(debts=400))
    assert result.state("Score").outputs == [10]
    assert result == golden


def test_too_many_debts(stepsim, golden):
    assert stepsim(input=applicant(debts=2400)) == golden


@pytest.mark.parametrize("granted", [True, False], ids=["granted", "refused"])
def test_an_officer_decides_where_they_differ(stepsim, golden, granted):
    officer = Returns({"granted": granted}, delay="26h")
    result = stepsim(input=applicant(debts=400), mocks={"AskBureau": rated("D"), "AskOfficer": officer})
    result.took("26h")
    assert result == golden


def test_nobody_answers_within_three_days(stepsim, golden):
    result = stepsim(input=applicant(debts=1600), mocks={"AskOfficer": Hangs()})
    result.took(at_least="72h").state("AskOfficer").was_caught("States.Timeout")
    assert result == golden


def test_a_busy_bureau_is_asked_again(stepsim, golden):
    assert stepsim(input=applicant(debts=400), mocks={"AskBureau": [BUSY, rated("B")]}) == golden


def test_a_bureau_that_is_down_makes_it_the_officers_matter(stepsim, golden):
    mocks = {"AskBureau": BUSY, "AskOfficer": Returns({"granted": True})}
    result = stepsim(input=applicant(debts=400), mocks=mocks)
    assert result.state("AskOfficer").parameters[0]["MessageBody"]["rating"] == "unrated"
    assert result == golden
