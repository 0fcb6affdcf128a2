/* The way to a network by its directory, whichever kind it is: DIR/ledger/descriptor says what the
 * network is, and, of one on Fabric, the file DIR/network where its gateways are.  It refuses a
 * file that it does not understand whole, and never takes a key from it: the keyring speaks, with
 * its certificate. */
#pragma once

#include "base/bytes.h"

#define EMR_GATEWAY_ENDPOINTS_MAX 8
#define EMR_GATEWAY_NAME_MAX 249
#define EMR_GATEWAY_MSP_ID_MAX 255

/* Lines "word = value", "#" before a remark; relative files are relative to DIR:
 *   kind = fabric
 *   msp = MSP-ID                     of the members that use this directory
 *   channel = NAME
 *   chaincode = NAME
 *   gateway = https://HOST:PORT FILE one or more, asked in this order; FILE has the TLS roots
 *   tls-client = FILE FILE           the certificate of TLS that this computer shows to gateways
 *                                    which want one, and its key; an invitation carries neither
 *   organisation = MSP-ID FILE       each that endorses; FILE has its CA; a majority must
 *   authority = https://HOST:PORT FILE [NAME]
 *                                    the members' Fabric CA, if they have one; FILE has the roots
 *                                    of its TLS, NAME is of one authority among several there
 *   genesis = HASH                   SHA-256 (64 hex digits) of the header of the channel's first
 *                                    block; without it the one that a gateway gives is believed.
 *                                    A keyring that knows it (emr_channel_note) asks no settings */
#define EMR_CHANNEL_SETTINGS "network"
#define EMR_CHANNEL_CA "ca.pem" /* beside it: the CA that the channel has to know */

#define EMR_CHANNEL_ORGANISATIONS_MAX 32

typedef struct emr_channel {
	char *msp, *channel, *chaincode;
	size_t n_gateways, n_organisations;
	char *addresses[EMR_GATEWAY_ENDPOINTS_MAX], *roots[EMR_GATEWAY_ENDPOINTS_MAX];
	char *tls_certificate, *tls_key; /* NULL: it shows none */
	/* MSP id and PEM text by turns, ended by NULL */
	char *authorities[2 * EMR_CHANNEL_ORGANISATIONS_MAX + 1];
	/* The Fabric CA; NULL: there is none, and ca_name may be in any case. */
	char *ca_address, *ca_root, *ca_name;
	bool has_genesis;
	uint8_t genesis[32]; /* the hash of the channel's first block */
} emr_channel;

/* DIR is the network's.  EMR_NOT_FOUND: it has no such file, so it is a ledger of one computer.
 * EMR_INVALID, EMR_NEWER_FORMAT (another kind): CAUSE says what of it, in English. */
emr_status emr_channel_read(const char *dir, emr_channel *out, char *cause, size_t cause_size);
void emr_channel_free(emr_channel *channel);
#define EMR_AUTO_CHANNEL __attribute__((cleanup(emr_channel_free))) emr_channel



/* The MSP of its members that DIR/network names; owned by the caller. As emr_channel_read. */
emr_status emr_channel_msp(const char *dir, char **out_msp, char *cause, size_t cause_size);





/* ---- On the way to another computer ---- */

#define EMR_CHANNEL_CARRIED_MAX ((size_t)2 << 20) /* bytes */
/* Appends what DIR/network says, with the certificates that it names, as an invitation carries it
 * (FORMAT.md).  As emr_channel_read; EMR_LIMIT. */
emr_status emr_channel_carry(const char *dir, emr_buf *out, char *cause, size_t cause_size);
/* The same for somebody whom the network's Fabric CA knows as LOGIN (1..64 bytes; "": the person
 * types it). */
emr_status emr_channel_carry_for(
	const char *dir, const char *login, emr_buf *out, char *cause, size_t cause_size);
#define EMR_CHANNEL_LOGIN_MAX 64
/* Whether the network has a Fabric CA, which its newcomers ask, and as whom; "": nobody says.
 * BYTES were checked. */
bool emr_channel_carried_login(emr_bytes bytes, char out_login[EMR_CHANNEL_LOGIN_MAX + 1]);
/* The first gateway that it names.  As emr_channel_carried_check. */
emr_status emr_channel_carried_gateway(emr_bytes bytes, char *out, size_t size);
/* Whether BYTES are such a way.  EMR_DAMAGED, EMR_NEWER_FORMAT. */
emr_status emr_channel_carried_check(emr_bytes bytes);
/* Writes DIRFD/network and the files that it names, all private, from BYTES; the former ones
 * are replaced.  EMR_DAMAGED, EMR_NEWER_FORMAT, or what the disk says. */
emr_status emr_channel_settle_in(emr_bytes bytes, int dirfd);
