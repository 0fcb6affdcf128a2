/* These functions list the shares that the owner gave and took back, as the ledger has them, for
 * the log. They refuse to tell as a deed of the owner what the owner's computer does by itself: the
 * grants of folders inside a shared one, what follows a move, and a team's next key.
 *
 * A share is told once, where it begins; its end once, too. The terms are those that the ledger
 * has now. */
#pragma once

#include "share/share.h"

typedef enum emr_dealing_kind {
	EMR_DEALING_SHARED = 1, /* GRANT, or WRITER_ADD alone: a deposit */
	EMR_DEALING_ENDED,	/* REVOKE, or WRITER_DEL of a deposit, before its time was over */
	EMR_DEALING_EXPIRED,  /* its time is over, or will be, and nothing else of the owner's goes
				 on for the person there */
	EMR_DEALING_APPROVED, /* a request to the owner */
	EMR_DEALING_DENIED,
	EMR_DEALING_EMERGENCY, /* a clinician has said why something that was prepared must open */
	EMR_DEALING_LEFT, /* of oneself towards another owner (share/left.h); none of those below */
} emr_dealing_kind;

typedef struct emr_share_dealing {
	emr_dealing_kind kind;
	uint64_t seq, at; /* of its entry; EXPIRED: of the entry that said until when, and that
			     time, which may be ahead */
	emr_id32 batch_id;
	emr_id16 domain; /* zero: DENIED */
	emr_id32 by; /* SHARED, ENDED: the guardian who did it, by the first key; zero: the owner */
	emr_id32 person; /* the grantee as grants name the person, or who asked */
	uint16_t rights; /* as EMR_RIGHTS_ of share/write.h, of SHARED with what it says of agents
			    (emr_away); 0: the letter is gone */
	uint32_t purposes;
	uint64_t until_unix_s; /* DENIED: these three as they were asked for */
	bool goes_on; /* ENDED: another share of the same folder with the same person stands, as
			 when one took its place */
	char *asked;  /* DENIED: the path in the asker's words, EMERGENCY: the reason; hostile;
			 owned; else NULL */
} emr_share_dealing;
/* Everything in one's own domains, in the order of the ledger, those that EXPIRED last and by their
 * time: emr_share_dealing, ... into OUT, which is zeros, and is freed below also after an error. */
emr_status emr_share_dealings(emr_share *share, emr_buf *out);
void emr_share_dealings_free(emr_buf *dealings);
#define EMR_AUTO_DEALINGS __attribute__((cleanup(emr_share_dealings_free))) emr_buf
