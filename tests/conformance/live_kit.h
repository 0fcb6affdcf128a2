/* This kit is shared by tests against real peers and orderers (examples/network/fabric, fresh): a
 * network of emrfs that begins there, an owner with a certificate of the first organisation's CA,
 * and one domain of that owner. */
#pragma once

#include "gateway/observer.h"
#include "ledger_kit.h"

#define LIVE_PATIENCE_MS 300000

extern struct live {
	const char *net; /* the directory of the network of Fabric; the program sets it */
	int ports[3];	 /* of its peers */
	kit k;
	emr_id16 org;
	emr_buf descriptor, certificate;
	emr_gateway_identity *client, *owner; /* somebody of the organisation; the owner */
	emr_gateway *by_client, *by_owner;    /* through the first peer; through all three */
	kit_domain domain;
	emr_id32 key_item; /* the newest of the owner's row */
	uint64_t key_version;
} live;

/* Fixtures of cmocka: the network, its owner and his domain. */
int live_begin(void **state);
int live_end(void **state);
/* The ledger names the owner's newer CERTIFICATE, which GATEWAY speaks with. */
void live_renew(emr_gateway *gateway, emr_bytes certificate);
/* Of the organisation's CA for the owner; 0: as long as it usually lasts. */
void live_certificate(uint64_t lasts_s, emr_buf *out);

/* Of organisation NUMBER; of 0: of the network. */
char *live_file(int number, const char *name);
/* COUNT peers from that of organisation FIRST on: the first that answers is asked. */
emr_gateway *live_gateway(const emr_gateway_identity *identity, int first, size_t count);
void live_fine(emr_status status, const emr_gateway_call *call);
/* COUNT new objects in the domain; the last one's id. */
emr_buf live_batch(size_t count, emr_id16 *out_object);
/* Has BATCH, which the owner hands in, endorsed. */
emr_status live_register(emr_gateway *gateway, emr_gateway_call *call, emr_bytes batch,
	emr_buf *out_envelope, emr_gateway_answer *out_answer);
/* Until it is valid in a block. */
void live_send(emr_gateway *gateway, emr_bytes batch, emr_gateway_commit *out_commit);
/* All blocks that there are. */
void live_observe(emr_gateway *gateway, emr_chain *chain, emr_gateway_position *position);

/* One computer: a directory, gateways and a ledger of its own. */
typedef struct live_client {
	int number;
	int dirfd;
	emr_gateway *gateway;
	emr_ledger *ledger;
	emr_buf batch;
	emr_ledger_answer answer;
	emr_status status;
	emr_id32 *told; /* batches of which it was told that they are applied */
	size_t told_count, tries;
} live_client;
/* Opens its ledger, once more if that was closed; the status says how that went. */
void live_client_open(live_client *c);
live_client *live_clients_new(size_t count);
void live_clients_free(live_client *all, size_t count);
/* WORK on each in a thread of its own; the status of each is EMR_OK then. */
void live_clients_run(live_client *all, size_t count, void *(*work)(void *));
