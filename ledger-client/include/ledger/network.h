/* These functions make and open the network directory of the embedded ledger, and check its place
 * and its rights (contract/item.h has its descriptor). They refuse shared file systems, where
 * SQLite's locks cannot be trusted, and rights wider than one user or one group. */
#pragma once

#include "base/bytes.h"
#include "base/clock.h"
#include "base/id.h"
#include "keyring/cert.h"
#include "keyring/keyring.h"

/* Names inside the directory. */
#define EMR_NETWORK_LEDGER "ledger.sqlite"
#define EMR_NETWORK_DESCRIPTOR "descriptor"
#define EMR_NETWORK_DESCRIPTOR_MAX ((size_t)60000)
/* Of a ledger in a channel of Fabric: a line with the directory of the backend's socket. */
#define EMR_NETWORK_CHANNEL "channel"
#define EMR_NETWORK_CHANNEL_LOCK                                                                   \
	"channel.lock" /* locked by who reads the channel into the file                            \
			*/

/* Empty; there while the file has been made again and lacks what the channel had before. */
#define EMR_NETWORK_CHANNEL_BEHIND "channel.behind"

/* EMR_UNSUPPORTED on nfs, cifs, smb, fuse and other file systems that are not this computer's own.
 */
emr_status emr_network_check_place(int dirfd);

struct emr_ledger;
struct emr_network_made;

/* The organisation of a person's own ledger is called so; no screen shows it. */
#define EMR_NETWORK_ALONE "home"

typedef struct emr_network_new {
	const char
		*path; /* directory; made when missing, must be empty otherwise (EMR_NOT_EMPTY) */
	const emr_keyring
		*keyring;	/* its owner becomes CA, organisation admin and the first member */
	const char *name;	/* of network and organisation, 1..64 bytes of UTF-8 */
	const char *handle;	/* the owner's common name in the certificate, 1..64 bytes */
	const emr_clock *clock; /* NULL = the computer's */
	/* Of a network in a channel of Fabric: the directory of the backend's socket, and the MSP
	 * of its organisation; NULL: a ledger in PATH alone. */
	const char *channel, *msp;
	/* May be NULL: told of what was made before the channel hears of it. */
	emr_status (*begin)(void *begin_arg, const struct emr_network_made *made);
	void *begin_arg;
	/* Where the organisation has an authority of its own: appends its root, and a certificate
	 * of KEYRING's key that leads to it and lets its owner be patient and org admin.  NULL: the
	 * keyring makes both. */
	emr_status (*certify)(void *certify_arg, emr_buf *out_ca, emr_buf *out_certificate);
	void *certify_arg;
	/* One that was begun before and ended meanwhile: its description, and the owner's
	 * certificate.  Empty: a new one is made. */
	emr_bytes begun_descriptor, begun_certificate;
} emr_network_new;

typedef struct emr_network_made {
	emr_bytes certificate, descriptor;
} emr_network_made;

/* Makes a network of one organisation: CA and owner's certificate (keyring/cert.h), descriptor,
 * entry 0, and the KEY_REG of the owner (roles patient and org admin) as entry 1.  It appears whole
 * or not at all.  The certificate's DER is left in *out_cert for the keyring (may be NULL).
 * EMR_EXISTS: there is a network already; EMR_UNSUPPORTED: see check_place. */
emr_status emr_network_create(
	const emr_network_new *options, emr_id16 *out_net_id, emr_buf *out_cert);

/* ---- a network in a channel of Fabric (channel/backend.h) ---- */

#define EMR_NETWORK_SAID_BYTES 256

/* Known of the channel behind the backend in CHANNEL: the hash of its first block in hex, its
 * organisation's MSP, and what its network began with, empty: none has begun.  SAID: the backend's
 * words about a failure. */
typedef struct emr_network_in_channel {
	emr_buf descriptor;
	char genesis[65];
	char msp[EMR_CERT_MSP_MAX + 1];
	char said[EMR_NETWORK_SAID_BYTES];
} emr_network_in_channel;
void emr_network_in_channel_free(emr_network_in_channel *known);
#define EMR_AUTO_IN_CHANNEL                                                                        \
	__attribute__((cleanup(emr_network_in_channel_free))) emr_network_in_channel
/* EMR_OFFLINE, and what emr_fabric_call says; EMR_DAMAGED: what began there is no network. */
emr_status emr_network_in_channel_find(const char *channel, emr_network_in_channel *out);
/* Makes the directory PATH of the network of DESCRIPTOR in that channel, which is read from there
 * by who opens it.  It appears whole or not at all.  EMR_EXISTS, EMR_NOT_EMPTY. */
emr_status emr_network_meet(const char *path, const char *channel, emr_bytes descriptor);
/* The backend of the network directory PATH is in CHANNEL from now on. */
emr_status emr_network_put_channel(const char *path, const char *channel);
/* DESCRIPTOR begins a network in the channel, where none has begun but perhaps this one. EMR_FORK:
 * another one has. */
emr_status emr_network_begin_in_channel(const char *channel, emr_bytes descriptor);
/* EMR_NOT_FOUND: the ledger in DIRFD, or PATH, is in no channel. */
emr_status emr_network_channel(int dirfd, char **out_channel);
emr_status emr_network_channel_of(const char *path, char **out_channel);
bool emr_network_is_on_channel(const char *path);
