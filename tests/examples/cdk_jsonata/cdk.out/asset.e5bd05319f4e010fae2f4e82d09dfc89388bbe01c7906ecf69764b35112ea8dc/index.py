"""Scores an applicant from 0 (safe) to 100."""


def handler(event, context):
    debts = sum(debt["monthly"] for debt in event["debts"])
    share = debts / event["income"]
    return {"score": min(100, round(share * 100)), "debts": debts}
