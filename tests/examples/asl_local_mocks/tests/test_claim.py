"""Each test case of MockConfigFile.json, as Step Functions Local would run it, and how it must end."""

import pytest

CLAIM = {"claim": "c-1", "customer": "u-7", "photos": ["roof.jpg"]}

PAID = ["CheckPolicy", "Assess", "HowSure", "Pay"]
ENDINGS = {
    "SmallClaim": ({"transfer": "tr-1"}, PAID),
    "PolicyServiceBusy": ({"transfer": "tr-1"}, PAID),
    "PolicyServiceDown": ("Lambda.ServiceException", ["CheckPolicy", "Broken"]),
    "PolicyLapsed": ("ClaimRefused", ["CheckPolicy", "TellRefusal", "Refused"]),
    "LargeClaimApproved": (
        {"transfer": "tr-1"},
        ["CheckPolicy", "Assess", "HowSure", "AskAdjuster", "Approved", "CoolOff", "Pay"],
    ),
    "ManyClaimsRefused": (
        "ClaimRefused",
        ["CheckPolicy", "Assess", "HowSure", "AskAdjuster", "Approved", "TellRefusal", "Refused"],
    ),
    "AdjusterOnHoliday": ("States.Timeout", ["CheckPolicy", "Assess", "HowSure", "AskAdjuster", "Broken"]),
}


@pytest.mark.stepsim("claim.asl.json", input=CLAIM, strict=True)
@pytest.mark.stepsim_cases("MockConfigFile.json")
def test_each_test_case_ends_as_it_must(stepsim, stepsim_case):
    ending, path = ENDINGS[stepsim_case]
    result = stepsim()
    assert result.path == path
    assert (result.output if result.status == "SUCCEEDED" else result.error) == ending
