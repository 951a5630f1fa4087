"""The wordings that confidence is calibrated with: neither trained on nor measured on."""

from __future__ import annotations

from dataclasses import replace

from interlock.lam.wordings.lexicon import Lexicon
from interlock.lam.wordings.training import TRAINING

_REQUESTS = {
    "email.send": (
        "have an e-mail delivered [to {to}] [entitled {subject:q}] [with {body:q} as the message]",
        "*Tell [{to}] via e-mail [, subject {subject:q},] that [{body:clause}]",
        "transmit an e-mail [to {to}] [on the topic of {subject}] [, stating that {body:clause}]",
        "*Outgoing mail. Addressee: [{to}]. [Subject line: {subject}.] [!Message body: {body}]",
        "mail out the draft [to {to}] [under the title {subject:q}]",
    ),
    "email.draft": (
        "store an unsent e-mail [to {to}] [entitled {subject:q}] [with the body {body:q}]",
        "*I would like a draft prepared [for {to}] [on the topic of {subject}] [, stating that {body:clause}]",
        "keep an e-mail [to {to}] in drafts [with {subject:q} as its title] [!and this message: {body}]",
    ),
    "email.search": (
        "scan my e-mails for [{query}]",
        "*I am looking for the mail where we discussed [{query}]",
        "check our mailbox for anything on [{query}]",
        "*What did we write by e-mail about [{query}]",
    ),
    "calendar.add": (
        "make room in my calendar for [{title}] [{day:on}] [at {start}] [, about {minutes}]",
        "*I want [{title}] in my calendar [{day:on}] [at {start}] [, place {place}]",
        "register an appointment [{title:q}] [{day:on}] [at {start}] [for {minutes}]",
        "*Save the date: [{title}], [{day}], [{start}] [, {place}]. Enter it in the calendar",
    ),
    "calendar.move": (
        "put [{title}] back to [{day}] [at {start}]",
        "*The time of [{title}] changes: it is now [{day:on}] [at {start}]",
        "swap [{title}] to [{day}] [at {start}]",
        "*Could [{title}] be rescheduled to [{day}] [at {start}]",
    ),
    "calendar.remove": (
        "remove the entry [{title:q}] [{day:on}] from the diary",
        "*I have to cancel [{title}] [{day:on}]",
        "*No [{title}] [{day:on}] after all, delete it from my calendar",
    ),
    "calendar.list": (
        "*What is in my diary [{day:on}]",
        "read out my appointments [for {day}]",
        "*Which events are on the calendar [{day:on}]",
        "*Is my calendar empty [{day:on}]",
    ),
    "payments.transfer": (
        "send a bank transfer of [{money}] [to {payee}] [, reference text {reference}]",
        "*Transfer to [{payee}], [{money}] [, {reference}]",
        "*[{money}] should be paid [to {payee}] [for {reference}]",
        "deposit [{money}] into the account of [{payee}] [as payment for {reference}]",
    ),
    "payments.refund": (
        "refund payment [{payment}], [{money}]",
        "*[{money}] of payment [{payment}] should go back to the payer",
        "carry out a refund of [{money}] on payment number [{payment}]",
    ),
    "payments.balance": (
        "*Tell me what is on the [{account}] account",
        "look at the balance of [{account}]",
        "*How high is the balance of the [{account}] account",
    ),
    "records.update": (
        "enter {value} as {field} of [{kind}] [{id}]",
        "*In {kind} {id}, change the {field} to {value}",
        "adjust the {field} of {kind} {id} to {value}",
        "give {kind} {id} the {field} [{value:q}]",
    ),
    "records.find": (
        "search for [{kind}] [{id}]",
        "*I want to see [{kind}] [{id}]",
        "load the [{kind}] record [{id}]",
    ),
    "records.note": (
        "place a note on [{kind}] [{id}] [which says {note:q}]",
        "*Add this to the notes of [{kind}] [{id}]: [!{note}]",
        "mention on [{kind}] [{id}] that [{note:clause}]",
    ),
}

_GOALS = {
    "email.send": ("Have the e-mail sent.", "Finish my e-mail and send it out.", "Mail the text."),
    "email.draft": ("Keep the mail in drafts.", "Store the text as a draft mail."),
    "email.search": ("Scan the e-mails.",),
    "calendar.add": ("Register the appointment.", "I want this in my calendar."),
    "calendar.move": ("Put the meeting back to the new time.",),
    "calendar.remove": ("Remove the entry from the diary.",),
    "calendar.list": ("Read out the appointments.",),
    "payments.transfer": ("Do the transfer.", "Have the bill paid."),
    "payments.refund": ("Carry out the refund.",),
    "payments.balance": ("Look at the balance.",),
    "records.update": ("Adjust the record.",),
    "records.find": ("Load the record.",),
    "records.note": ("Place the note on the record.",),
}

_OUTSIDE = (
    "Who painted the Mona Lisa?", "How deep is the ocean?", "Buy tickets for the concert {_day:on}.", "Is it windy {_day:on}?", "Pause the music.", "Say {_topic:q} in Spanish.", "Make up a riddle.", "Refactor this class.", "Add {_number} and {_number}.",
    "How do I plant tomatoes?", "Good afternoon.", "Bye!", "What's your name?", "Tell me to stretch at {_start}.", "Begin a timer of {_minutes}.", "Order groceries.", "Phone {_person}.", "Message {_person} on WhatsApp.", "Publish a blog post on {_topic}.",
    "Shorten this essay.", "What's new in politics?", "Download the app.", "Format the hard disk.", "I'm hungry.", "Which film should I watch?", "What's two to the power of ten?", "Roll a die.", "Book a massage {_day:on}.", "Maybe later.",
)

_NEAR = (
    "Where do I find the button to send an e-mail?", "What do I need for an international transfer?", "Can a meeting have two owners?", "How high are your transfer fees?", "I have just e-mailed {_email}.", "{_company} received {_money} from us {_day:on}.", "The {_title} was fun.", "My mailbox is full.",
    "Archive all mails from {_email}.", "Translate my draft into Dutch.", "Make my e-mail sound friendlier.", "Apply for a credit card.", "Raise my overdraft limit.", "Make a new invoice for {_company}.", "Remove customer {_id} from the database.", "Print the calendar.", "How many e-mails did I get {_day:on}?",
    "Who is responsible for order {_id}?", "Send order {_id} by courier.", "What should I say in the {_title}?", "Find the phone number of {_person}.", "Which bank does {_company} use?", "Why was the {_title} moved?", "Is the transfer to {_company} secure?", "Convert {_money} to dollars.", "Save {_money} every month.",
    "{_person} will take care of the payment.", "Sign the contract with {_company}.", "Rename the {_account} account.", "Tell me the IBAN of {_company}.",
)

CALIBRATION: Lexicon = replace(
    TRAINING,
    name="calibration",
    requests=_REQUESTS,
    goals=_GOALS,
    outside=_OUTSIDE,
    near=_NEAR,
    negations=("You need not ", "By no means ", "Stop, don't ", "I changed my mind, don't "),
    openings=("Please go on and ", "Would it be possible to ", "You may ", "First, ", "I ask you to ", "Be nice and "),
    closings=(", many thanks", " today please", " if possible", ", all right"),
)
