/* These functions bring an organisation to a network in a channel of Fabric, through the backend of
 * its host: it begins one there, or comes to the one that has begun. They refuse a channel in which
 * another network has begun than in the directory. */
#pragma once

#include "keyring/keyring.h"
#include "kit/message.h"
#include "ledger/network.h"

#include "network/begun.h"

typedef struct emr_founding {
	const char *dir;     /* of the network */
	const char *channel; /* the directory of the backend's socket */
	/* of who begins one */
	emr_keyring *keyring;
	emr_begun *begun; /* keeps it, before the channel hears of it */
	emr_problem *problem;
} emr_founding;

/* Finds out what has begun in the channel. */
emr_status emr_founding_look(
	const char *channel, emr_network_in_channel *out, emr_problem *out_problem);
/* The directory is one of the network of DESCRIPTOR in the channel, made where it is empty or not
 * there. */
emr_status emr_founding_settle(
	const emr_founding *founding, emr_bytes descriptor, bool *out_is_made);
/* For emr_network_new.begin: ARG is an emr_founding. */
emr_status emr_founding_begin(void *arg, const emr_network_made *made);
