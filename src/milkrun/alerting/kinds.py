"""Every kind of channel, a line each: what `type` may say under `alerting.channels`."""

from milkrun.alerting.channel import ChannelKinds
from milkrun.alerting.channels import (
    alertmanager,
    apprise,
    command,
    discord,
    email,
    ntfy,
    opsgenie,
    pagerduty,
    slack,
    teams,
    telegram,
    webhook,
)

CHANNELS: ChannelKinds = {
    "alertmanager": alertmanager.KIND,
    "apprise": apprise.KIND,
    "command": command.KIND,
    "discord": discord.KIND,
    "email": email.KIND,
    "ntfy": ntfy.KIND,
    "opsgenie": opsgenie.KIND,
    "pagerduty": pagerduty.KIND,
    "slack": slack.KIND,
    "teams": teams.KIND,
    "telegram": telegram.KIND,
    "webhook": webhook.KIND,
}
