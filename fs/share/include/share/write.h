/* These functions are the writer's half: they find the domains of others in which this keyring may
 * write, the facts that a write needs, and the listing keys that this keyring published there
 * itself. It refuses letters and cards that are not of the ledger's domain, rights that have ended,
 * and to take a domain of one's own for a stranger's.
 *
 * A writer (WRITER_ADD without MANAGE) wraps for the domain's public key A, seals names under the
 * writer's own listing key, and signs with the writer's identity. The writer reads names that the
 * writer wrote, because that key is derived; everything else only through a grant (share/read.h).
 *
 * To write: find the place here (emr_share_writing, or emr_share_writing_by_card for an Inbox), and
 * give changes of that domain to emr_settle_publish (PUT, META, UNLINK; for an Inbox with its card
 * in emr_change.owner_card): it finds out that the domain is another's and does the rest, as there.
 * Statements are then the writer's own: issuer is the writer's identity, cert_ref the writer's
 * certificate as the ledger has it, the patient card.id_pk. */
#pragma once

#include "contract/codes.h"
#include "keyring/card.h"
#include "keyring/content.h"
#include "record/format.h"
#include "share/share.h"

/* The rights that the words stand for; bits of the WRITER operation (contract/codes.h). */
#define EMR_WRITES_ALL                                                                             \
	(EMR_RIGHT_PUT | EMR_RIGHT_META | EMR_RIGHT_MKDIR | EMR_RIGHT_ANY) /* `write` */
#define EMR_WRITES_GUARDIAN (EMR_WRITES_ALL | EMR_RIGHT_GUARDIAN)	   /* `guardian` */
#define EMR_WRITES_DEPOSIT EMR_RIGHT_PUT				   /* `deposit` */

/* Both kinds of right in one number, as orders and requests carry them: bits 0..2 of GRANT (2: it
 * opens in an emergency), 3 and 4 who may release while the owner is away (emr_away), 5 of a
 * guardian's GRANT, which follows from its WRITER's, 8..13 of WRITER. */
#define EMR_RIGHTS_READ ((uint16_t)(EMR_GRANT_LIST | EMR_GRANT_READ))
#define EMR_RIGHTS_WRITE ((uint16_t)(EMR_RIGHTS_READ | EMR_WRITES_ALL << 8))
#define EMR_RIGHTS_GUARDIAN ((uint16_t)(EMR_RIGHTS_READ | EMR_WRITES_GUARDIAN << 8))
#define EMR_RIGHTS_DEPOSIT ((uint16_t)(EMR_WRITES_DEPOSIT << 8))
static inline uint16_t emr_rights_of_reading(uint16_t rights)
{
	return rights & 0xff;
}
/* Of those what is shown: not who releases it. */
static inline uint16_t emr_rights_shown(uint16_t rights)
{
	return rights & (EMR_GRANT_LIST | EMR_GRANT_READ);
}
/* Prepared for an emergency, or not: the two are different shares, and neither replaces the other.
 */
static inline bool emr_rights_alike(uint16_t one, uint16_t other)
{
	return ((one ^ other) & EMR_GRANT_TWO) == 0;
}
static inline uint16_t emr_rights_of_writing(uint16_t rights)
{
	return (uint16_t)(rights >> 8);
}
static inline bool emr_rights_are_guardians(uint16_t rights)
{
	return (emr_rights_of_writing(rights) & EMR_RIGHT_GUARDIAN) != 0;
}
/* "read", "write", "deposit", "guardian". */
static inline const char *emr_rights_word(uint16_t rights)
{
	if (emr_rights_of_reading(rights) == 0)
		return "deposit";
	return emr_rights_are_guardians(rights)	    ? "guardian"
	       : emr_rights_of_writing(rights) != 0 ? "write"
						    : "read";
}

typedef enum emr_writing_phase {
	EMR_WRITING_IN_FORCE,
	EMR_WRITING_IS_OVER,   /* its time has passed */
	EMR_WRITING_HAS_ENDED, /* it was taken back, or given up, or the owner's key was ended */
} emr_writing_phase;

/* One domain of somebody else's that this keyring may write in, or could. */
typedef struct emr_writing {
	emr_id16 domain;
	emr_writing_phase phase;
	uint16_t rights; /* EMR_RIGHT_PUT, _META, _MKDIR, _ANY, _GUARDIAN; never _MANAGE */
	bool is_inbox;	 /* the owner's Inbox: deposits by people who have its card */
	bool by_role;	 /* no WRITER row: only as hospital or clinician with the card; rights is
			    EMR_RIGHT_PUT */
	uint64_t not_after_unix_s; /* UINT64_MAX by role */
	uint64_t since_unix_s;	   /* ledger's time of what last moved the right; 0 by role */
	emr_id16 top; /* parent directory of what is put at the top: the domain's root, unless the
			 letter names another */
	char label[EMR_SHARE_LABEL_MAX + 1]; /* "" by role */
	emr_card card; /* the domain's, its keys those of the ledger; card.id_pk is the owner, the
			  patient of statements */
} emr_writing;

/* Can more than leave new files there: what `write` gives, not `deposit`. */
static inline bool emr_writing_may_change(const emr_writing *writing)
{
	return (writing->rights & EMR_RIGHT_META) != 0;
}

/* Whether the ledger has DOMAIN and it belongs to somebody else: it neither grows from this keyring
 * nor is it its by letter, as a device's are.  One that the ledger does not have is nobody's:
 * false. */
emr_status emr_share_is_anothers(emr_share *share, emr_id16 domain, bool *out_is);

/* One domain, from this computer's copy of the ledger and, when the letter is not here, from the
 * ledger itself (what it says is checked against the item).  Also when the right is over: look at
 * the phase. EMR_NOT_FOUND: no right of that kind to me (also for one's own domains, and those of a
 * device); EMR_DAMAGED: the letter does not open or its card is not that of the ledger's domain;
 * EMR_MISSING_DATA: the letter is gone; EMR_OFFLINE: it is not here and the ledger is away. */
emr_status emr_share_writing(emr_share *share, emr_id16 domain, emr_writing *out_writing);

/* Every domain that I may write in by a letter, in every phase: emr_writing, ... appended.  Letters
 * that do not open are left out and counted in *out_damaged (may be NULL); left out, too, while the
 * ledger is away, are those that are not here. */
emr_status emr_share_writings(emr_share *share, emr_buf *out_writings, size_t *out_damaged);

/* A place that one may deposit in because one has its card (bytes as emr_card_read takes them): a
 * domain with the flag INBOX, and a key of mine with the role hospital or clinician, in force now.
 * A WRITER letter to me there comes first, if there is one.  EMR_NOT_FOUND: the ledger has no such
 * domain; EMR_DENIED: not an Inbox, or not my role, or its owner's key was ended; EMR_DAMAGED,
 * EMR_BAD_SIGNATURE: the card, or its keys are not those of the ledger's row; EMR_INVALID: the card
 * of a person, or one of another network. */
emr_status emr_share_writing_by_card(emr_share *share, emr_bytes card, emr_writing *out_writing);

/* The listing key that this keyring published (or publishes) in DOMAIN for EPOCH, made again from
 * the seed and the ledger's A of that epoch; the caller's to free.  Signed by the identity: not for
 * one's own domains. EMR_NOT_FOUND: there is no such epoch. */
emr_status emr_share_own_list_key(
	emr_share *share, emr_id16 domain, uint32_t epoch, emr_list_key **out_key);
/* Its item id on the ledger.  EMR_NOT_FOUND: it was not published. */
emr_status emr_share_own_list_key_id(
	emr_share *share, emr_id16 domain, uint32_t epoch, emr_id32 *out_id);

/* ---- words.c ---- */
/* These functions take the words of a writer, whom the owner has let in, about records in the
 * owner's folder, and make of them what may be believed. A writer names and describes new files;
 * what emrfs itself goes by, and where a link leads, are the owner's to say. */

/* The writer's word of permissions, as far as it counts: a file of a writer is read here, and not
 * started. */
static inline uint16_t emr_words_mode(emr_meta_type type, uint16_t mode)
{
	return mode & (type == EMR_META_FILE ? 0666 : 0777);
}

/* The name of a writer's file or directory here, in the bytes of NAME or in ROOM: a name that a
 * program looks for to learn what it should do (.git, .vimrc, desktop.ini) begins with "_", but
 * for four that say what data are (.zarray, .zgroup, .zattrs, .bidsignore); and a
 * dot before an ending by which Windows acts (x.lnk) is one, so that no file of a writer configures
 * one; so is what a terminal obeys or what turns the reading (ESC, a line end, U+202E). OWN, the
 * owner's name for it, stays: empty, where there is none, or the bytes are a writer's. */
#define EMR_WORDS_NAME_BYTES 256
/* Whether a program looks for NAME so: in a directory of the owner's with such a name nothing is a
 * writer's to say. */
bool emr_words_configure(emr_meta_type type, emr_bytes name);
emr_bytes emr_words_name(
	emr_meta_type type, emr_bytes name, emr_bytes own, char room[EMR_WORDS_NAME_BYTES]);

/* A target that is absolute or goes up leads who knows where, once a directory above it has another
 * place. */
bool emr_words_lead_away(emr_bytes target);
/* An attribute that programs set for the owner of a file, and that nobody else is to have. */
bool emr_words_are_owners(emr_bytes key);
/* *OUT (emptied first): the attributes of WORDS, which the writer said, without those that emrfs
 * goes by; of OWN, the owner's, those that it goes by. *OUT_COUNT entries. */
emr_status emr_words_attributes(emr_bytes words, emr_bytes own, emr_buf *out, uint16_t *out_count);
