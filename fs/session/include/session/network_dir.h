/* The directory of a network: DIR/ledger is the ledger, or says where it is.  A member's state has
 * a symbolic link where a ledger of its own would be. Only the owner opens a directory that has the
 * ledger, and all others come over its host; it refuses one that others than this user can enter.
 */
#pragma once

#include "base/bytes.h"
#include "base/id.h"
#include "keyring/keyring.h"
#include "kit/message.h"

#define EMR_NETWORK_DIR_LEDGER "ledger"
#define EMR_NETWORK_DIR_HOST "host" /* of who serves it: its key, and where it is */
#define EMR_HOST_SECRET                                                                            \
	"secret" /* there: of its key; with it alone the rest comes from members                   \
		  */
#define EMR_NETWORK_DIR_LOGIN                                                                      \
	EMR_NETWORK_DIR_HOST "/login" /* its authority (served/authority.h)                        \
				       */
#define EMR_HOST_AT "at" /* there: what its clients have as settings (served/client.h) */

/* Whether PLACE, of an invitation, is the way to a host.  EMR_DAMAGED, EMR_NEWER_FORMAT. */
emr_status emr_network_place_check(emr_bytes place);
/* Whether DIR is a member's whose network a host serves. */
bool emr_network_dir_is_served(const char *dir);
/* Appends the way to the host of the network in DIR, whose own directory it may be, too.
 * EMR_NOT_FOUND: it has none. */
emr_status emr_network_dir_host(const char *dir, emr_buf *out);

/* Makes DIR (absolute; may exist when it is empty), private.  The ledger is made by
 * emr_network_create. */
emr_status emr_network_dir_make(const char *dir, emr_problem *out_problem);
/* As above, for what takes several steps: the file MARKER says that they are under way, and then
 * the directory may have the rest of an interrupted try.  *out_fd is the directory, the caller's.
 */
emr_status emr_network_dir_begin(
	const char *dir, const char *marker, int *out_fd, emr_problem *out_problem);
/* Makes DIR, private, of what leads to a host, and what its network began with; what stands in it
 * is replaced.  PLACE empty: nobody knows the way, and the ledger counts as away. */
emr_status emr_network_dir_settle(const char *dir, emr_bytes place, emr_bytes descriptor);
/* Whether the network that began with DESCRIPTOR is in DIR, and can be entered here. */
bool emr_network_dir_has(const char *dir, emr_bytes descriptor);
/* Appends what leads to the host of DIR's network; nothing when it has none. */
emr_status emr_network_dir_carry(const char *dir, emr_buf *out, emr_problem *out_problem);
/* Takes away what was made there, for an init that failed. */
void emr_network_dir_unmake(const char *dir);
/* That DIR is there, ours alone, and has a ledger. */
emr_status emr_network_dir_check(const char *dir, emr_problem *out_problem);
/* Says that the network in DIR is its owner's to open: EMR_DENIED. */
emr_status emr_network_dir_refuse(const char *dir, emr_problem *out_problem);
/* The address of the host of the network whose ledger's place is PLACE; false: none serves it. */
bool emr_network_dir_host_at(const char *place, char *out, size_t size);
/* Appends what the network in DIR began with.  EMR_NOT_FOUND. */
emr_status emr_network_dir_descriptor(const char *dir, emr_buf *out);
/* Whether there is a network already; no more is looked at. */
bool emr_network_dir_is(const char *dir);
/* Gives the name of the network in DIR, as its descriptor says.  EMR_NOT_FOUND, EMR_DAMAGED. */
emr_status emr_network_dir_name(const char *dir, char out_name[256]);
/* KEYRING knows from here on which network it is in: the one that began with DESCRIPTOR. */
emr_status emr_network_dir_note(emr_keyring *keyring, emr_bytes descriptor);
/* The state's ledger is that of DIR from now on. */
emr_status emr_network_dir_link(int state_fd, const char *dir);
/* DIR out of what such a link says, owned by the caller.  EMR_INVALID. */
emr_status emr_network_dir_parse(const char *target, char **out_dir);
/* Where the ledger of the state at STATE_PATH belongs, for a person: in it, or, of a member (true),
 * in the network's directory. */
bool emr_network_dir_ledger_place(const char *state_path, char *out, size_t size);
/* DIR, owned by the caller.  EMR_NOT_FOUND: the ledger is the state's own. */
emr_status emr_network_dir_of(int state_fd, char **out_dir);
