/*
 * The numbers of protocol/limits.md. Formats are bounded by these; a server may set lower ones.
 */
#ifndef QR_CODEC_LIMITS_H
#define QR_CODEC_LIMITS_H

#define QR_FRAME_MAX (512 * 1024)   /* bytes of one WebSocket message */
#define QR_BATCH_MAX (256 * 1024)   /* bytes of one batch */
#define QR_CHANGE_MAX (64 * 1024)   /* bytes of one change's ciphertext */
#define QR_CHANGES_MAX 64           /* changes in a batch */
#define QR_DEPS_MAX 32              /* dependencies of a batch */
#define QR_BLOBS_MAX 8              /* blob addresses of a change */
#define QR_DEVICES_MAX 20           /* active devices of a user */
#define QR_CHAINS_MAX 1000          /* replica chains of a user (docs/decisions: until manifests) */
#define QR_RECORD_MAX (64 * 1024)   /* bytes of one roster record */
#define QR_RECORDS_MAX 1024         /* records of a roster */
#define QR_ROSTER_MAX (448 * 1024)  /* bytes of a roster; it fits one AUTH */
#define QR_ROSTER_DEVICES_MAX 512   /* devices ever enrolled, revoked ones included */
#define QR_ROOT_RESERVE (64 * 1024) /* bytes of a roster for the root alone: recovery … */
#define QR_ROOT_RECORDS_RESERVE 64  /* … records … */
#define QR_ROOT_DEVICES_RESERVE 32  /* … and devices */
#define QR_REVOKE_RESERVE (96 * 1024) /* bytes of a roster for revocations and the root … */
#define QR_REVOKE_RECORDS_RESERVE 64  /* … and records */
#define QR_UNKNOWN_PINS_MAX 16        /* pins of a REVOKE that name no chain the server has */
#define QR_APPEND_MAX 32         /* records of one append: a recovery may revoke every device */
#define QR_CHAINS_DATA_MAX 48000 /* bytes of pins in one CHAINS: QR_CHAINS_MAX of them */
#define QR_OBJECT_MAX (64 * 1024 * 1024) /* bytes of an entry's state in an object */
#define QR_INFLATE_RATIO 16              /* a state is at most so many times its deflated size */
#define QR_HOST_MAX 255                  /* bytes of a host name with port */
#define QR_PAIR_DATA_MAX (20 * 1024)     /* bytes of a pairing message */

/* One frame holds at most VALUES_FREE + bytes / BYTES_PER_VALUE values, and never more than
 * VALUES_MAX: what unpacking allocates (24 bytes per value) is at most 8 × the frame + 384. The
 * densest frame that we write, a WANT of small numbers, has 4 values in 13 bytes. */
#define QR_MSGPACK_DEPTH_MAX 4       /* arrays in arrays */
#define QR_MSGPACK_ARRAY_MAX 1024    /* elements of one array */
#define QR_MSGPACK_VALUES_FREE 16    /* values of a frame, whatever its size */
#define QR_MSGPACK_BYTES_PER_VALUE 3 /* bytes of a frame that allow one value more */
#define QR_MSGPACK_VALUES_MAX 4112   /* values of a frame of any size */

#define QR_UNAUTHENTICATED_MAX (4 * 1024) /* bytes from a connection before its AUTH */
#define QR_UNAUTHENTICATED_MS 10000       /* ms until a connection must be authenticated */
#define QR_CREDIT_INITIAL (1024 * 1024)   /* bytes of DELTA frames that need no CREDIT */
#define QR_CREDIT_MAX (16 * 1024 * 1024)  /* bytes of DELTA frames allowed in advance */
#define QR_UNACKED_MAX (1024 * 1024)      /* bytes of PUSH frames without ACK or ERROR */
#define QR_PING_IDLE_MS 30000             /* ms without a frame before a device sends PING */
#define QR_SILENCE_CLIENT_MS 60000 /* ms without a frame before a device ends the connection */
#define QR_SILENCE_SERVER_MS 90000 /* the same for a server, so that the device is first */

#endif
