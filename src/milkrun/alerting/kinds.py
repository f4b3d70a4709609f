"""Every kind of channel, a line each: what `type` may say under `alerting.channels`."""

from milkrun.alerting.channel import ChannelKinds

CHANNELS: ChannelKinds = {}
