"""A loan desk: two opinions at the same time, a person where they differ, and a letter."""

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct


class LoanStack(cdk.Stack):
    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        risk = lambda_.Function(
            self,
            "Risk",
            runtime=lambda_.Runtime.PYTHON_3_12,
            handler="index.handler",
            code=lambda_.Code.from_asset("functions/risk"),
            timeout=cdk.Duration.seconds(5),
        )
        bureau = lambda_.Function(
            self,
            "Bureau",
            runtime=lambda_.Runtime.NODEJS_24_X,
            handler="index.handler",
            code=lambda_.Code.from_inline("exports.handler = async () => ({rating: 'B'});"),
        )
        officers = sqs.Queue(self, "Officers")
        letters = sns.Topic(self, "Letters")

        score = tasks.LambdaInvoke.jsonata(
            self,
            "Score",
            lambda_function=risk,
            payload=sfn.TaskInput.from_object({"income": "{% $income %}", "debts": "{% $states.input.debts %}"}),
            outputs="{% $states.result.Payload.score %}",
            retry_on_service_exceptions=False,
        )
        ask_bureau = tasks.LambdaInvoke.jsonata(
            self,
            "AskBureau",
            lambda_function=bureau,
            payload=sfn.TaskInput.from_object({"name": "{% $applicant %}"}),
            outputs="{% $states.result.Payload.rating %}",
            retry_on_service_exceptions=False,
        )
        ask_bureau.add_retry(
            errors=["Lambda.TooManyRequestsException", "Lambda.ServiceException"],
            interval=cdk.Duration.seconds(1),
            max_attempts=2,
            backoff_rate=2,
        )
        unrated = sfn.Pass.jsonata(self, "Unrated", outputs="{% 'unrated' %}")
        ask_bureau.add_catch(unrated, errors=["States.ALL"])

        opinions = sfn.Parallel.jsonata(
            self,
            "Opinions",
            assign={"score": "{% $states.result[0] %}", "rating": "{% $states.result[1] %}"},
        )
        opinions.branch(score, ask_bureau)

        ask_officer = tasks.SqsSendMessage.jsonata(
            self,
            "AskOfficer",
            queue=officers,
            integration_pattern=sfn.IntegrationPattern.WAIT_FOR_TASK_TOKEN,
            message_body=sfn.TaskInput.from_object(
                {
                    "applicant": "{% $applicant %}",
                    "score": "{% $score %}",
                    "rating": "{% $rating %}",
                    "token": "{% $states.context.Task.Token %}",
                }
            ),
            task_timeout=sfn.Timeout.duration(cdk.Duration.days(3)),
            assign={"granted": "{% $states.result.granted %}"},
        )
        refuse_late = sfn.Pass.jsonata(self, "NobodyAnswered", assign={"granted": "{% false %}"})
        ask_officer.add_catch(refuse_late, errors=["States.Timeout"])

        grant = tasks.SnsPublish.jsonata(
            self,
            "SendOffer",
            topic=letters,
            message=sfn.TaskInput.from_text("{% 'Dear ' & $applicant & ', you may borrow ' & $amount & '.' %}"),
            outputs={"granted": True, "score": "{% $score %}"},
        )
        refuse = tasks.SnsPublish.jsonata(
            self,
            "SendRefusal",
            topic=letters,
            message=sfn.TaskInput.from_text("{% 'Dear ' & $applicant & ', we are sorry.' %}"),
            outputs={"granted": False, "score": "{% $score %}"},
        )
        decided = sfn.Choice.jsonata(self, "Granted")
        decided.when(sfn.Condition.jsonata("{% $granted %}"), grant).otherwise(refuse)
        ask_officer.next(decided)
        refuse_late.next(decided)

        agree = sfn.Choice.jsonata(self, "Agree")
        agree.when(sfn.Condition.jsonata("{% $score < 30 and $rating in ['A', 'B'] %}"), grant)
        agree.when(sfn.Condition.jsonata("{% $score >= 60 %}"), refuse)
        agree.otherwise(ask_officer)

        remember = sfn.Pass.jsonata(
            self,
            "Remember",
            assign={
                "applicant": "{% $states.input.applicant.name %}",
                "income": "{% $sum($states.input.applicant.incomes) %}",
                "amount": "{% $states.input.amount %}",
            },
        )
        sfn.StateMachine(
            self,
            "Loans",
            state_machine_name="loans",
            query_language=sfn.QueryLanguage.JSONATA,
            definition_body=sfn.DefinitionBody.from_chainable(remember.next(opinions).next(agree)),
        )


app = cdk.App()
LoanStack(app, "LoanStack")
app.synth()
