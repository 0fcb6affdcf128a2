/* Orders are what the owner has asked for and the ledger does not have yet, grants and
 * revocations, and shares that wait for somebody's yes, sealed in the file EMR_STATE_ORDERS: it
 * outlives a crash. It refuses to lose an order: that goes when it stands on the ledger, or when
 * its person has taken it back. */
#pragma once

#include "base/bytes.h"
#include "base/id.h"
#include "keyring/keyring.h"
#include "keyring/letters.h"
#include "contract/codes.h"

#define EMR_ORDERS_MAX 1000
#define EMR_ORDERS_ASKED_MAX 200 /* of these: that wait for a yes, or have their answer */
#define EMR_ORDER_TEXT_MAX 255

typedef enum emr_order_kind {
	EMR_ORDER_GRANT = 1,
	EMR_ORDER_REVOKE = 2, /* everything of GRANTEE in DOMAIN */
	EMR_ORDER_WAITS = 3,  /* for my yes, which makes a grant of it: a Consent in the folder
				 asks, for GRANTEE, until its end; or the ledger has no word for
				 the yes to REQUEST, which is kept here */
	EMR_ORDER_ASKED = 4,  /* I asked GRANTEE for it: only they can read the letter again */
} emr_order_kind;

typedef struct emr_order {
	uint64_t number; /* grows; never used again in one file */
	emr_order_kind kind;
	emr_id16 domain;  /* the object that is shared; zero until there was a yes */
	emr_id32 grantee; /* a person's present key when it was asked; ASKED: the owner's */
	emr_id32 root;	  /* and the first key, which rows of grants name */
	uint64_t asked_unix_s;
	uint16_t rights;   /* GRANT: EMR_RIGHTS_READ, _WRITE, _DEPOSIT, _GUARDIAN (share/write.h) */
	uint32_t purposes; /* GRANT: bits; 0 of a deposit */
	uint64_t until_unix_s;
	bool replaces;	  /* GRANT: what GRANTEE had in DOMAIN before ends when this one stands */
	emr_id16 request; /* the request for access that it answers or is; with EMR_GRANT_TWO the
			     word of the card that opens it; zero: none */
	char label[EMR_ORDER_TEXT_MAX + 1]; /* the folder's name then */
	char who[EMR_ORDER_TEXT_MAX + 1];   /* as it was typed or is called here */
	uint8_t told; /* WAITS, ASKED: the emr_share_request_state that their person knows */
	char path[EMR_REQUEST_PATH_MAX + 1];	 /* WAITS, ASKED */
	char reason[EMR_REQUEST_REASON_MAX + 1]; /* ASKED; WAITS: the path of the Consent, or "";
						    GRANT: a guardian's
						    rule, with EMR_GRANT_TWO the hours that
						    it is open, and with REQUEST whether a
						    rule said yes */
	/* It will not be tried again: its status, and the ledger's code when that is EMR_REFUSED.
	 */
	bool has_failed;
	uint8_t failure, code;
} emr_order;

typedef struct emr_orders {
	emr_order *list; /* oldest first; owned */
	size_t n;
	uint64_t next_number;
} emr_orders;

/* It says a guardian's rule, which may be another than that of the grant that stands. */
static inline bool emr_order_has_rule(const emr_order *order)
{
	return (order->rights & EMR_RIGHT_GUARDIAN << 8) != 0 && order->reason[0] != '\0';
}

/* A Consent asks in the folder. */
static inline bool emr_order_is_of_consent(const emr_order *order)
{
	return order->kind == EMR_ORDER_WAITS && order->reason[0] != '\0';
}

/* Without a file: none.  EMR_DAMAGED, EMR_NEWER_FORMAT. */
emr_status emr_orders_load(const emr_keyring *keyring, int state_fd, emr_orders *out_orders);
/* Replaces the file in one step, on the disk when it returns. */
emr_status emr_orders_save(const emr_keyring *keyring, int state_fd, const emr_orders *orders);
void emr_orders_free(emr_orders *orders);
#define EMR_AUTO_ORDERS __attribute__((cleanup(emr_orders_free))) emr_orders

/* In memory only.  Gives ORDER its number.  EMR_LIMIT: EMR_ORDERS_MAX are there. */
emr_status emr_orders_add(emr_orders *orders, emr_order *order);
/* NULL: not there. */
emr_order *emr_orders_find(const emr_orders *orders, uint64_t number);
void emr_orders_drop(emr_orders *orders, uint64_t number);
/* The one that is REQUEST and waits for a yes, or has it.  NULL: not there. */
emr_order *emr_orders_asked(const emr_orders *orders, emr_id16 request);
