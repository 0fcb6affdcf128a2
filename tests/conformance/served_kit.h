/* Tests of a served ledger share this kit: a host in this process, on a port of its own and over
 * TLS, and clients that know it by its key. */
#pragma once

#include "ledger_kit.h"
#include "served/client.h"
#include "served/server.h"

extern const kit_backend kit_served;
/* The host of the network that was made last. */
extern emr_served *kit_host;
extern unsigned kit_host_port;
extern uint8_t kit_host_secret[32];
/* The host begins with this one's directory of host (k->base/host), again. */
void kit_host_start(kit *k);
void kit_host_stop(kit *k);
/* A socket of TCP; *IO_PORT 0: at any port, which it says. */
int kit_listen(unsigned *io_port);
/* With which it signs heads. */
void kit_host_seed(uint8_t out[32]);
void kit_put_file(const char *dir, const char *name, emr_bytes bytes);
/* The signature of BY for the HOST with that key at a time, about the CID ROOT or nothing, byte by
 * byte.
 */
void kit_sign(
	kit *k, emr_keyring *by, emr_id32 host, uint64_t at, emr_bytes root, uint8_t out[104]);
void kit_write_at(kit *k, const emr_served_at *at);
/* A client whose settings say AT. */
emr_ledger *kit_open_at(kit *k, const emr_served_at *at);
