/* This header declares what the commands share with each other: the checks of `emrfs check`,
 * sharing and taking back with a question, the 24 words as a person gives them, and what a
 * removed computer has left. */
#pragma once

#include "keyring/letters.h"
#include "keyring/invite.h"
#include "keyring/keyring.h"
#include "kit/out.h"
#include "kit/passphrase.h"
#include "kit/places.h"
#include "kit/verbs.h"
#include "mount/client.h"
#include "mount/devices.h"
#include "org/bureau.h"
#include "served/client.h"
#include "verbs/cmd.h"

/* ---- share_away.c ---- */

/* Files of LOOK, a share of PATH that is asked about, do not go with it; also into OUT's fields. */
void emr_say_kept_out(emr_out *out, json_t *look, const char *path);
/* Says which agents will release the keys of the share in LOOK, and which organisations that trusts
 * with what; and whether nobody elsewhere can open it. */
void emr_say_release(emr_out *out, const json_t *look);
/* Remarks on ANSWER's agents_silent. */
void emr_say_silent(emr_out *out, const json_t *answer);
/* Says what became of the share that ANSWER is about; IS_DONE: the ledger has it. */
void emr_say_shared(emr_out *out, const json_t *answer, bool is_done);
/* Takes the rule that --away says into REQUEST. */
emr_status emr_away_take(
	const emr_args *args, const char *verb, emr_request *request, emr_problem *out_problem);
/* Asks, where nobody else would release them, whether the owner's own organisation may;
 * *OUT_IS_CHANGED: it may from now on, and LOOK tells what was so until then. */
emr_status emr_offer_own(const emr_args *args, emr_out *out, emr_client *client, const json_t *look,
	bool *out_is_changed, emr_problem *out_problem);
/* *OUT_IT_DOES: --away of REQUEST, own or others, says what would be asked without it: that is the
 * answer for the next shares, too. */
emr_status emr_away_answers(const emr_args *args, emr_client *client, const emr_request *request,
	bool *out_it_does, emr_problem *out_problem);
/* WORD is the rule from now on: of the folder that CLIENT speaks to, of what it shares already, and
 * in the settings. */
emr_status emr_share_by_rule(const emr_args *args, emr_out *out, emr_client *client,
	const char *word, emr_problem *out_problem);

/* ---- host_keeps.c ---- */

/* A file of DIR/host, ended by a sum of what stands before it.  *OUT becomes what it has without
 * that, and a NUL that does not count: EMR_NOT_FOUND, EMR_DAMAGED. */
emr_status host_keeps_read(int dirfd, const char *name, emr_buf *out);
emr_status host_keeps_write(int dirfd, const char *name, emr_bytes bytes);

/* A host's own things, in files of DIR/host. */
typedef struct host_keeps {
	uint8_t secret[32];	  /* of the key by which members know it */
	emr_buf key, certificate; /* of TLS; PEM, and a NUL that does not count */
	emr_id32 pin;
	emr_id16 writer; /* of its blocks */
} host_keeps;
/* Of the network's directory DIR, OWN_FD: DIR/host.  Makes all of it where no host has served the
 * ledger yet; later secret and key.pem, once damaged or missing, are named, and nothing is made.
 * IS_COPY: OWN_FD is a copy of DIR/host, which needs all of it, and nothing is made. */
emr_status host_keeps_open(
	const char *dir, int own_fd, bool is_copy, host_keeps *out, emr_problem *out_problem);
/* The same of those that shall take their place, in NEXT_FD: made again if IS_NEW.  WRITER is not
 * set. */
emr_status host_keeps_next(
	const char *dir, int next_fd, bool is_new, host_keeps *out, emr_problem *out_problem);
/* NEXT takes the place of those in OWN_FD, and leaves NEXT_FD; the secret goes last.  A recovery
 * of the former key, and its proof of two histories, are put aside as DIR/host/before-recovery. */
emr_status host_keeps_replace(int own_fd, int next_fd, const host_keeps *next);
void host_keeps_close(host_keeps *keeps); /* wipes */
/* The id of DIR's store of blocks, which is there: another one where another directory stands in
 * its place, or WRITER is another one. */
emr_status host_keeps_store(const char *dir, emr_id16 writer, emr_id16 *out_id);

/* In DIR/host: the id of the key that asked for more than its share most often, and how often. */
#define HOST_OVER "asked"
#define HOST_WRITER "writer"

/* host --status, in host_status.c */
int emr_host_status(const emr_args *args, emr_out *out);
int emr_host_backup(const emr_args *args, emr_out *out);

/* ---- check.c ---- */
/* This header declares what the parts of `emrfs check` share. They refuse to change what they
 * look at. */

typedef struct emr_checker {
	emr_out *out;
	const emr_places *places;
	int state_fd; /* -1 = no state yet */
	json_t *checks;
	unsigned n, failed;
} emr_checker;

/* Says, before anything is asked, why this account can open no folder, and the cure: by WARN and
 * with EMR_OK, or, where that is NULL, as EMR_DENIED. */
emr_status emr_check_may_mount(emr_out *warn, emr_problem *out_problem);

/* One line: MEND is for when it is not ok.  A warning is of what nobody can see from here, or could
 * be better: a person looks, nothing has failed. */
void emr_check_say(emr_checker *c, const char *name, bool ok, bool is_warning, const char *mend,
	const char *format, ...) __attribute__((format(printf, 6, 7)));
#define emr_check_note(c, name, ok, ...) emr_check_say(c, name, ok, false, __VA_ARGS__)
#define emr_check_warn(c, name, ...) emr_check_say(c, name, true, true, __VA_ARGS__)

/* The host of the network, whether it answers, and how members reach it; false: none serves it, or
 * the ledger is this computer's all the same. */
bool emr_check_host(emr_checker *c);
/* Whether the host of this member's network answers, without a keyring.  EMR_NOT_FOUND: the ledger
 * is on a disk. */
emr_status emr_check_meet_host(int state_fd);
/* Says that the records are on this computer alone (OUT_REMARK, may be NULL: gives that), unless
 * somebody else's host or a node of the settings has them. Where this began, and in `status`. */
void emr_say_one_copy(emr_out *out, const emr_places *places, emr_problem *out_remark);
/* check --network: the IPFS nodes of the settings. */
void emr_check_node(emr_checker *c);

/* The organisations of the network that have no agent in force, by this computer's copy. */
void emr_check_agents(emr_checker *c);
/* On the computer of a host in a channel alone. */
void emr_check_channel(emr_checker *c);
/* The ledger of the state: one at a host answers nothing without the keyring.  Statuses of
 * emr_ledger_open. */
emr_status emr_check_open_ledger(const emr_places *places, emr_ledger **out_ledger);

/* ---- share.c ---- */
/* This header declares what other verbs have of share and revoke: shown, asked and done in the
 * same words. It refuses to share without a yes. */

/* A guardian asks that REQUEST->who may read what lies at REQUEST->path, below shared-with-me. */
emr_status emr_ask_for_another(const emr_args *args, emr_out *out, emr_client *client,
	emr_request *request, emr_problem *out_problem);
/* REQUEST has path, who, purposes and until, or the id of a request for access, and is shown; after
 * a yes it is sent, with the word for what was shown (sharing/shown.h).  *OUT_GRANT is
 * the row of `share` that came of it (JSON null while there is none); owned by the caller. */
emr_status emr_share_as_asked(const emr_args *args, emr_out *out, emr_client *client,
	const emr_request *request, json_t **out_grant, emr_problem *out_problem);
/* As revoke --all from WHO. */
emr_status emr_revoke_all_from(const emr_args *args, emr_out *out, emr_client *client,
	const char *who, emr_problem *out_problem);
/* ---- device_make.c ---- */

/* A keyring of another computer of PERSON's; the passphrase of its file costs LEAST at least. */
emr_status verb_device_make(
	const emr_keyring *person, const emr_kdf_cost *least, emr_keyring **out);
/* The file that such a computer accepts, under PASSPHRASE; DIR is the network's directory here.
 * Appends. */
emr_status verb_device_seal(const emr_session *session, const emr_kdf_cost *cost,
	emr_bytes passphrase, const emr_keyring *device, const char *dir, emr_buf *out,
	emr_problem *out_problem);

/* ---- words.c ---- */

/* These functions hand KEYRING's 24 words out, from locked memory that is wiped: on a page that
 * leaves nothing on the terminal and ends with the line END, or to FILE, which is made (0600). They
 * refuse a file that is there. */
emr_status emr_words_show(const emr_keyring *keyring, const char *end);
emr_status emr_words_write(const emr_keyring *keyring, const char *file, emr_problem *out_problem);
/* `emrfs words` alone. */
emr_status emr_words_hand_out(
	const emr_args *args, const emr_places *places, emr_problem *out_problem);

/* ---- words_renew.c ---- */
/* Refuses an open folder, and new words that nobody would see; before anything is asked. */
emr_status emr_words_may_renew(const char *words_file, int state_fd, emr_problem *out_problem);
/* 24 new words, and the key and folders of the former ones go over to them. */
emr_status emr_words_renew(const emr_args *args, emr_out *out, emr_problem *out_problem);

/* ---- words_ask.c ---- */
/* The 24 words as a person gives them: from a file or the terminal, compared with what a ledger
 * knows. It refuses words that fit no identity there, and says which one is wrong where it can. */

/* FILE (0600; as init wrote it, or just the words), or NULL: the terminal, in one line or several.
 */
emr_status emr_words_get(const char *file, emr_passphrase *out_text, emr_problem *out_problem);
/* The ledger in the state or backup at STATE_PATH, or the verified copy there. */
emr_status emr_words_ledger(const char *state_path, emr_ledger_copy **out_ledger);
/* The keyring of TEXT, complete: identity, device, network and certificate as the state in STATE_FD
 * (ledger and blocks) has them.  EMR_WRONG_WORDS. */
emr_status emr_words_keyring(emr_bytes text, int state_fd, const char *state_path,
	emr_keyring **out_keyring, emr_problem *out_problem);
/* After words that fit nobody (PROBLEM): where they were typed (FILE is NULL) PROBLEM is said and
 * TEXT asked for again, twice at most, counted in *tries (0 at first).  False when it is over, with
 * *status and PROBLEM as they were, or why nothing could be asked. */
bool emr_words_again(const char *file, emr_out *out, int *tries, emr_status *status,
	emr_passphrase *text, emr_problem *problem);
/* Asks for three of the keyring's words on the terminal, three times each.  EMR_WRONG_WORDS,
 * EMR_NOT_FOUND (no terminal). */
emr_status emr_words_ask_back(const emr_keyring *keyring, emr_out *out, emr_problem *out_problem);

/* ---- host_status.c ---- */
/* How many members the network of DIR has, and the names of their organisations. */
emr_status host_members(const char *dir, uint64_t *out_n, char *out_names, size_t size);
/* That the agent which org create makes beside a host does not run, if there is one. */
void host_say_agent(emr_out *out);

/* ---- host_listen.c ---- */

/* AT is where the host of DIR, whose files are in OWN_FD, is from now on: where others know another
 * place, it gets the word by which they believe that. */
emr_status host_note_place(
	const char *dir, int own_fd, const uint8_t secret[32], emr_served_at *at, bool *out_moved);
/* AT becomes the settings NAME in DIRFD. */
emr_status host_write_place(int dirfd, const char *name, const emr_served_at *at);
/* Says how members come to AT, if they have to hear of it. */
void host_say_moved(emr_out *out, const emr_served_at *at);

/* ---- init_person.c ---- */

/* Name and birth date by --name and --born, or as they are typed: both may stay empty.  ROLES: of
 * an invitation; 0: none. */
emr_status init_ask_person(const emr_args *args, emr_out *out, uint16_t roles, emr_profile *profile,
	emr_problem *out_problem);

/* ---- host_metrics.c ---- */

struct host_metrics;
struct emr_served;
/* Serves numbers of SERVED, whose ledger is in the directory LEDGER, at the address WHERE. Not NULL
 * also where it fails, to be stopped. */
emr_status host_metrics_start(const char *where, const char *ledger, struct emr_served *served,
	struct host_metrics **out_metrics, emr_problem *out_problem);
void host_metrics_stop(struct host_metrics *metrics); /* NULL is fine */

/* ---- host_listen.c ---- */

/* The path of a socket in WHERE, the operand of `emrfs host`; NULL: it is an address. */
const char *host_socket_path(const char *where);
/* A listening socket at "HOST:PORT", "[HOST]:PORT" or "unix:PATH"; -1 with *OUT_CAUSE.  A socket at
 * PATH at which nobody listens is taken away first. */
int host_listen(const char *where, const char **out_cause);

/* ---- network_address.c ---- */

/* How many member organisations have signed ADDRESS for a key in the place of OLD, and how many
 * must, by the ledger in DIR, a network's, or by the verified copy of a member's STATE. */
emr_status network_votes(const emr_address *address, const char *dir, const char *state,
	emr_id32 old, unsigned *out_have, unsigned *out_need, emr_problem *out_problem);
/* Always EMR_DENIED. */
emr_status network_too_few(unsigned have, unsigned need, emr_problem *out_problem);
/* FLAGS: 0, or those of open that make FILE. */
emr_status network_write(
	const char *file, int flags, const emr_address *address, emr_problem *out_problem);
/* A member with an invitation, which leads to PLACE, goes on there if the host has signed that. */
void emr_network_hear(const emr_args *args, emr_bytes place);

/* ---- init.c ---- */

/* The things that are still of use when everything is made and closed. */
typedef struct emr_made {
	emr_passphrase passphrase;
	char *state;	    /* NULL: nothing was made; owned */
	bool has_guardians; /* said by the caller, who gives the passphrase: nobody gets words */
	bool is_agent;	    /* which has no folder */
} emr_made;
static inline void emr_made_end(emr_made *made)
{
	emr_passphrase_free(&made->passphrase);
	free(made->state);
}
#define EMR_AUTO_MADE __attribute__((cleanup(emr_made_end))) emr_made
/* A keyring for a person (ORG_NAME NULL) or for an organisation and its new network.  With OUT_MADE
 * the caller opens the folder. */
int emr_init_new(const emr_args *args, emr_out *out, const char *org_name, emr_made *out_made);

/* ---- guardian.c ---- */

/* The passphrase of a keyring that is made next in STATE_FD, whose list of guardians is there when
 * this returns: the one of an earlier try, where MAKER, a guardian's keyring, opens that, so that a
 * line given twice makes one keyring; else the one in IO_PASSPHRASE, or (empty) one that is drawn.
 * EMR_EXISTS: a keyring is there that MAKER does not open. */
emr_status emr_guardians_settle(int state_fd, const emr_keyring *maker, const emr_guardian *all,
	size_t n, emr_passphrase *io_passphrase);

/* ---- people.c ---- */

/* A card as JSON into FILE, which is made with MODE: drawn where it ends in .pdf or .png, else its
 * text ("card").  FILE is away again after an error. */
emr_status verb_write_card(
	const char *file, const json_t *card, mode_t mode, emr_problem *out_problem);

/* ---- practice.c ---- */

/* The keyring AS of this account, or of the agent that its administrator made. */
typedef struct emr_at_work {
	bool has_keyring;
	int pid, host_pid; /* who has it open, and who serves its network, if it is here; 0: none */
	char dir[4200], network[256]; /* such a network's directory and name; "" */
} emr_at_work;
emr_at_work emr_at_work_as(const char *as, bool is_agent);
/* After a folder was closed: which host and agent of the keyring AS go on, and how to stop them. */
void emr_practice_say_left(emr_out *out, const char *as);

/* ---- org_agent.c ---- */

/* Runs this program as AS with WORDS, up to a NULL, until it has said all that it had to say; with
 * a PASSPHRASE it reads that from a pipe.  EMR_DENIED: it failed, and has said why. */
emr_status emr_self_run(const emr_passphrase *passphrase, const char *as, const char *const *words);
/* Somebody who comes with a new keyring on this computer. */
typedef struct emr_self_invited {
	const emr_passphrase *administrators, *passphrase; /* of who invites; of the new keyring */
	const char *administrator, *as;			   /* --as of both; NULL: the usual one */
	const char *handle, *role;
	bool has_keyring;	/* and goes on with it */
	const char *words_file; /* NULL: the words are nobody's, an agent's */
} emr_self_invited;
/* --as of a family's network, whose keyring its founder opens as a guardian. */
#define EMR_FAMILY_AS "family"
/* By an invitation that nobody else ever sees; it lies in STATE, the administrator's, meanwhile. */
emr_status emr_self_invite(const emr_self_invited *who, const char *state);
/* For snprintf: --as of the agent that the administrator with the keyring AS has made. */
#define EMR_AGENT_NAME(as) "%.100s%sagent", (as) != NULL ? (as) : "", (as) != NULL ? "-" : ""
/* Makes, unless a try before has, and starts the agent of the organisation in STATE. */
int emr_org_agent(
	const emr_args *args, emr_out *out, const emr_passphrase *passphrase, const char *state);

/* ---- join.c ---- */

/* Somebody who has a keyring joins, with the folder closed; the passphrase is handed on. */
emr_status emr_join_with_keyring(const emr_args *args, emr_out *out, emr_passphrase *out_passphrase,
	emr_problem *out_problem);
/* network address, network sign. */
emr_status emr_network_address(const emr_args *args, emr_out *out, emr_problem *out_problem);
emr_status emr_network_sign(const emr_args *args, emr_out *out, emr_problem *out_problem);
/* network leave. */
emr_status emr_network_leave(const emr_args *args, emr_out *out, emr_problem *out_problem);

/* ---- org_host.c ---- */
/* Invitations into a network that a host serves: they wait there, and who came is let in. */

/* BYTES into a new FILE that nobody else reads. */
emr_status verb_write_new(const char *file, emr_bytes bytes, emr_problem *out_problem);
/* Says CODE and what to do with it, and writes it where -o says. */
emr_status org_host_hand_out(const emr_args *args, emr_out *out, const char *code,
	const char *organisation, uint64_t expires, emr_problem *out_problem);
/* By the administrator's own keys, or else by the open folder, which has them. */
typedef struct org_desk {
	emr_bureau *bureau; /* NULL: the folder; borrowed, both */
	emr_client *client;
	char name[256]; /* of the organisation, when it was looked once */
} org_desk;

/* Invites by the open folder, if there is one that can, and waits if --wait says so. */
emr_status org_host_by_folder(const emr_args *args, emr_out *out, uint64_t expires,
	int64_t within_ns, bool *out_is_done, emr_problem *out_problem);
/* Until the invitation ID, in hexadecimal, was used, as --wait says. */
emr_status org_host_await(const emr_args *args, emr_out *out, org_desk *desk, const char *id,
	int64_t within_ns, emr_problem *out_problem);
/* invite without a handle: lets in who came, and names who is waited for. */
int org_host_invited(const emr_args *args, emr_out *out);
/* A deed of org that only looks, by the open folder, if there is one that can. */
emr_status org_host_look(
	const emr_args *args, emr_out *out, bool *out_is_done, emr_problem *out_problem);

/* Lines of ONE, a dataset as emr_dataset_json has it: the words that a committee asks for. */
void dataset_say_words(emr_out *out, const json_t *one);
/* A reader who was let in and reads no more has seen the files that were there then. */
void dataset_say_readers(emr_out *out, const json_t *list);
