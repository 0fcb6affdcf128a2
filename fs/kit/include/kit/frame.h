/* The words between a verb and the process that keeps the folder open: u32 length, then JSON, over
 * a Unix socket. It refuses frames over 65,536 bytes, unknown fields and verbs, and peers of
 * another user. */
#pragma once

#include <jansson.h>

#include "base/bytes.h"

#define EMR_FRAME_MAX 65536u
#define EMR_FRAME_VERSION 1

/* Bytes of JSON that follow HEAD; EMR_LIMIT for 0 or over EMR_FRAME_MAX. */
emr_status emr_frame_length(const uint8_t head[4], size_t *out_len);

/* One object to FD: EMR_LIMIT when it does not fit, EMR_TIMEOUT, EMR_IO. */
emr_status emr_frame_send(int fd, const json_t *object, int timeout_ms);
/* One object from FD, owned by the caller: EMR_NOT_FOUND at the end of the stream, EMR_TIMEOUT when
 * it is not whole after TIMEOUT_MS, EMR_LIMIT, EMR_DAMAGED (no JSON object), EMR_IO. */
emr_status emr_frame_receive(int fd, int timeout_ms, json_t **out_object);
/* EMR_DENIED unless the process at the other end belongs to this user. */
emr_status emr_peer_check(int fd);

typedef enum emr_request_kind {
	EMR_ASK_STATUS,	  /* path optional */
	EMR_ASK_WAIT,	  /* timeout_ms: how long this one answer may take; now: the folder is about
			     to be closed, and begins nothing new */
	EMR_ASK_EXPORT,	  /* file: absolute, made by the mount; path optional, proof */
	EMR_ASK_UNMOUNT,  /* says what is unsent; publishes unless `now` */
	EMR_ASK_VERIFY,	  /* path optional, quick, chain; answers with progress until "done" */
	EMR_ASK_LEDGER,	  /* path optional, limit, checkpoint; the same */
	EMR_ASK_VERSIONS, /* path; answers with portions of versions until "done" */
	EMR_ASK_RESTORE,  /* path; until or version, to optional */
	EMR_ASK_MOVE,	  /* path, to, look: only says who would see it */
	EMR_ASK_ERASE,	  /* path, unreadable or deleted, until; look: only counts */
	EMR_ASK_KEEP,	  /* path: to be kept, with drop: not any more; purge */
	EMR_ASK_BRING,	  /* what only nodes have of one's own */
	EMR_ASK_COPIES,	  /* path optional; repair: places are asked for everything again */
	EMR_ASK_PEOPLE,	  /* mine; or card, name; or who, number, compared, drop; or who; answers
			     until "done" */
	EMR_ASK_REQUEST,  /* nothing: list; or who or card, path, reason, purposes, until, write,
			     deposit; of a dataset with an agreement that is another than
			     `shown` it answers with that, and nobody is asked; or id: lets
			     in who asks to read a dataset; answers until "done" */
	EMR_ASK_DENY,	  /* id, reason optional */
	EMR_ASK_EMERGENCY, /* reason; name: code of a card, without: what another began; look:
			      who */
	EMR_ASK_SHARE,	   /* nothing: list; over: list with what is over and whole ids; path, who,
			      until, purposes, write, deposit, join, name: the code of a card
			      that opens it in an emergency; of a guardian's reason: for whom
			      a guardian may have it opened, one in a line, and limit: for how
			      many minutes each; or id of a request to
			      say yes to, until optional: look only says what it would be; or order:
			      waits timeout_ms */
	EMR_ASK_REVOKE,	   /* who; path, or everything of that person; answers until "done" */
	EMR_ASK_AGENT,	   /* what an agent has done */
	EMR_ASK_LOG, /* path, since, who, purposes, software, staff optional; answers with portions
			of entries until "done" */
	EMR_ASK_DEVICES, /* this person's computers */
	EMR_ASK_WALLET,	 /* points and credit; answers with portions until "done" */
	EMR_ASK_DATASET, /* who: one of them; answers until "done"; with join, path: makes copies;
			    look only says which, drop takes them back; update: makes those that
			    are lacking */
	EMR_ASK_INVITE,	 /* who, name: the role, until; nothing: lets in who came, and lists */
	EMR_ASK_ORG,	 /* name: a deed that only looks, who: at what; answers until "done" */
	EMR_ASK_COUNT
} emr_request_kind;

#define EMR_ASK_PATH_MAX 4096
#define EMR_ASK_WHO_MAX 255
#define EMR_ASK_LANGUAGE_MAX 15
#define EMR_ASK_REASON_MAX 1023
#define EMR_ASK_CARD_MAX 2560
#define EMR_ASK_NOTE_MAX 511
#define EMR_ASK_PURPOSES_MAX 511
#define EMR_ASK_WAIT_MAX_MS 10000
#define EMR_ASK_LIMIT_MAX 1000000

typedef struct emr_request {
	emr_request_kind ask;
	char path[EMR_ASK_PATH_MAX + 1]; /* "" = none; the top of the folder is "" or "." */
	bool has_path;
	char file[EMR_ASK_PATH_MAX + 1]; /* outside the folder */
	bool has_file, proof;
	bool over, write, deposit; /* both of the last two: as a guardian */
	char away[8];		   /* who releases while its owner is away, a word; "" = not said */
	bool join;		   /* of a share: with a dataset, on its terms */
	bool update;		   /* of all datasets: copies of what is new or changed */
	uint32_t purposes;	   /* bits; 0 = not said */
	uint64_t order;		   /* 0 = not said */
	bool now, quick, chain, checkpoint, deleted, unreadable, look, drop, purge, mine, number,
		compared, software, staff, repair;
	uint32_t timeout_ms;
	uint32_t limit;
	uint64_t until_unix_s; /* 0 = not said */
	uint64_t version;      /* 0 = not said */
	uint64_t since_unix_s; /* 0 = not said */
	char to[EMR_ASK_PATH_MAX + 1];
	bool has_to;
	char who[EMR_ASK_WHO_MAX + 1], name[EMR_ASK_WHO_MAX + 1];     /* "" = not said */
	char id[EMR_ASK_WHO_MAX + 1], reason[EMR_ASK_REASON_MAX + 1]; /* "" = not said */
	char shown[EMR_ASK_WHO_MAX + 1]; /* what `look` answered with; "" = nobody was asked */
	uint8_t card[EMR_ASK_CARD_MAX];
	size_t card_len;			 /* 0 = none */
	char note[EMR_ASK_NOTE_MAX + 1];	 /* of a host, which came with it; "" = none */
	char language[EMR_ASK_LANGUAGE_MAX + 1]; /* of sentences in the answer; "" = English */
} emr_request;

static inline bool emr_request_is_guardians(const emr_request *request)
{
	return request->write && request->deposit;
}

/* EMR_NEWER_FORMAT for another v, EMR_UNSUPPORTED for an unknown verb, EMR_INVALID for anything
 * else. */
emr_status emr_request_parse(const json_t *object, emr_request *out_request);
/* NULL without memory. */
json_t *emr_request_make(const emr_request *request);
