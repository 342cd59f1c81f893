#!/usr/bin/env python3
"""Computes protocol/vectors/crypto.json anew from protocol/crypto.md, without any of Quire's code.

usage: check_crypto_vectors.py VECTORS_FOLDER

Each group of vectors has a function here that takes a vector's inputs and gives its outputs; a
vector that must be refused says so in "status", and the function then gives that instead.
"""
import json
import pathlib
import sys

import primitives as p

ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'


class Refused(Exception):
    """A reader's no: "crypto", "malformed" or "unsupported"."""


def refuse_unless(condition, status):
    if not condition:
        raise Refused(status)


def raw(vector, *names):
    values = [bytes.fromhex(vector[name]) for name in names]
    return values[0] if len(values) == 1 else values


def u32(value):
    return value.to_bytes(4, 'big')


def u64(value):
    return value.to_bytes(8, 'big')


# ---- the building blocks of crypto.md ------------------------------------------------------------

def tagged(context, *parts):
    return b''.join([context.encode(), b'\0', *parts])


def hash_of(context, *parts):
    return p.blake2b(32, b'', tagged(context, *parts))


def keyed(key, context, *parts, size=32):
    return p.blake2b(size, key, tagged(context, *parts))


def nonce_of(key, entropy, aad, plaintext):
    return keyed(key, 'quire/nonce/1', entropy, u32(len(aad)), aad, plaintext, size=24)


def sealed(key, entropy, aad, plaintext):
    nonce = nonce_of(key, entropy, aad, plaintext)
    return nonce, p.aead_encrypt(key, nonce, aad, plaintext)


def opened(key, nonce, aad, ciphertext):
    plaintext = p.aead_decrypt(key, nonce, aad, ciphertext)
    refuse_unless(plaintext is not None, 'crypto')
    return plaintext


def padme(size):
    if size < 2:
        return size
    exponent = size.bit_length() - 1
    kept = exponent.bit_length()
    step = 1 << exponent - kept
    return (size + step - 1) // step * step


def padded(plaintext, minimum):
    text = b'\1' + u32(len(plaintext)) + plaintext
    return text + bytes(padme(max(minimum, len(text))) - len(text))


def unpadded(text, minimum):
    refuse_unless(len(text) >= 5, 'malformed')
    refuse_unless(text[0] == 1, 'unsupported')
    plaintext = text[5:5 + int.from_bytes(text[1:5], 'big')]
    refuse_unless(padded(plaintext, minimum) == text, 'malformed')
    refuse_unless(len(plaintext) == int.from_bytes(text[1:5], 'big'), 'malformed')
    return plaintext


def values_of(data, count):
    bits = int.from_bytes(data, 'big') << 8
    size = len(data) * 8 + 8
    return [bits >> size - 5 * (i + 1) & 31 for i in range(count)]


def grouped(values):
    text = ''.join(ALPHABET[value] for value in values)
    return '-'.join(text[i:i + 4] for i in range(0, len(text), 4))


def typed(text, count):
    refuse_unless(len(text) <= 256, 'malformed')
    text = ''.join(c for c in text.upper() if c not in '- \t\n\v\f\r')
    text = text.replace('O', '0').replace('I', '1').replace('L', '1')
    refuse_unless(len(text) == count and all(c in ALPHABET for c in text), 'malformed')
    return [ALPHABET.index(c) for c in text]


def joined(values, size):
    bits = 0
    for value in values:
        bits = bits << 5 | value
    return (bits << size * 8 + 8 >> 5 * len(values)).to_bytes(size + 1, 'big')[:size]


def keys_of(seed, kind):
    sign_seed = keyed(seed, f'quire/{kind}sig/1')
    box_secret = keyed(seed, f'quire/{kind}box/1')
    return sign_seed, p.ed25519_public(sign_seed), box_secret, p.x25519_public(box_secret)


# ---- one function for each group of vectors ------------------------------------------------------

def hash_vector(v):
    return {'hash': hash_of(v['context'], *map(bytes.fromhex, v['parts']))}


def keyed_hash(v):
    parts = map(bytes.fromhex, v['parts'])
    return {'hash': keyed(raw(v, 'key'), v['context'], *parts, size=v['size'])}


def entropy(v):
    return {'out': keyed(raw(v, 'entropy'), 'quire/entropy/1', u64(int(v['counter'])))}


def padme_vector(v):
    return {'padded': padme(v['size'])}


def padding(v):
    return {'plaintext': unpadded(raw(v, 'padded'), v['minimum'])}


def words(v):
    return {'words': ' '.join(word_list[byte] for byte in raw(v, 'hash')[:6])}


def device(v):
    _, sign_public, _, box_public = keys_of(raw(v, 'seed'), 'dev')
    return {'sign_public': sign_public, 'box_public': box_public,
            'device': hash_of('quire/device/1', sign_public, box_public)[:16]}


def signature(v):
    message = tagged(v['context'], *map(bytes.fromhex, v['parts']))
    if 'seed' in v:
        sign_seed, sign_public, _, _ = keys_of(raw(v, 'seed'), 'dev')
        return {'public': sign_public, 'signature': p.ed25519_sign(sign_seed, message)}
    public, value = raw(v, 'public', 'signature')
    refuse_unless(p.ed25519_verify(public, message, value), 'crypto')
    return {}


def kit(v):
    values = typed(v['text'], 56)
    seed = joined(values[:52], 32)
    check = values_of(hash_of('quire/kitsum/1', seed), 4)
    refuse_unless(values == values_of(seed, 52) + check, 'malformed')
    _, root, _, recovery = keys_of(seed, 'kit')
    return {'seed': seed, 'root': root, 'recovery': recovery,
            'salt': keyed(seed, 'quire/kitsalt/1', size=16), 'written': grouped(values)}


def epoch_key(v):
    seed, user, fresh = raw(v, 'seed', 'user', 'entropy')
    return {'key': keyed(fresh, 'quire/epoch/1', seed, user, u32(v['epoch']))}


def commitment_of(key, user, epoch):
    return keyed(key, 'quire/vkc/1', user, u32(epoch))


def commitment(v):
    key, user = raw(v, 'key', 'user')
    return {'commitment': commitment_of(key, user, v['epoch'])}


def seal(v):
    seed, user, commitment = raw(v, 'seed', 'user', 'commitment')
    _, _, box_secret, box_public = keys_of(seed, v['owner'])
    if 'entropy' in v:
        key = raw(v, 'key')
        secret = keyed(raw(v, 'entropy'), 'quire/seal/1', key, box_public)
        public = p.x25519_public(secret)
        return {'seal': public + p.box(secret, box_public, p.blake2b(24, b'', public + box_public), key),
                'commitment': commitment_of(key, user, v['epoch'])}
    value = raw(v, 'seal')
    nonce = p.blake2b(24, b'', value[:32] + box_public)
    key = p.box_open(box_secret, value[:32], nonce, value[32:])
    refuse_unless(key is not None, 'crypto')
    refuse_unless(commitment_of(key, user, v['epoch']) == commitment, 'crypto')
    return {'key': key}


def wrap(v):
    key, user, commitment = raw(v, 'key', 'user', 'commitment')
    wrap_key, aad = keyed(key, 'quire/wrap/1'), tagged('quire/wrap/1', user, u32(v['epoch']))
    if 'entropy' in v:
        previous = raw(v, 'previous')
        return {'wrap': b''.join(sealed(wrap_key, raw(v, 'entropy'), aad, previous)),
                'commitment': commitment_of(previous, user, v['epoch'] - 1)}
    value = raw(v, 'wrap')
    previous = opened(wrap_key, value[:24], aad, value[24:])
    refuse_unless(commitment_of(previous, user, v['epoch'] - 1) == commitment, 'crypto')
    return {'previous': previous}


def change(v):
    epoch_key, user, replica, entry = raw(v, 'epoch_key', 'user', 'replica', 'entry')
    key = keyed(epoch_key, 'quire/entry/1', entry)
    aad = tagged('quire/chg/1', user, replica, u64(int(v['seq'])), u32(v['index']),
                 bytes([v['kind']]), entry, u32(v['epoch']))
    if 'entropy' in v:
        text = padded(raw(v, 'plaintext'), 64)
        nonce, ciphertext = sealed(key, raw(v, 'entropy'), aad, text)
        return {'entry_key': key, 'aad': aad, 'padded': text, 'nonce': nonce,
                'ciphertext': ciphertext}
    nonce, ciphertext = raw(v, 'nonce', 'ciphertext')
    refuse_unless(len(ciphertext) >= 80, 'malformed')
    return {'plaintext': unpadded(opened(key, nonce, aad, ciphertext), 64)}


def name(v):
    epoch_key, user, device = raw(v, 'epoch_key', 'user', 'device')
    key = keyed(epoch_key, 'quire/name/1')
    aad = tagged('quire/name/1', user, device, u32(v['epoch']))
    if 'entropy' in v:
        given = raw(v, 'name')
        text = bytes([len(given)]) + given + bytes(63 - len(given))
        return {'sealed': b''.join(sealed(key, raw(v, 'entropy'), aad, text))}
    value = raw(v, 'sealed')
    text = opened(key, value[:24], aad, value[24:])
    refuse_unless(text[0] < 64 and not any(text[1 + text[0]:]), 'malformed')
    return {'name': text[1:1 + text[0]]}


def local(v):
    key, aad = keyed(raw(v, 'profile_key'), 'quire/local/1'), tagged('quire/local/1', raw(v, 'name'))
    if 'entropy' in v:
        return {'sealed': b''.join(sealed(key, raw(v, 'entropy'), aad, raw(v, 'plaintext')))}
    value = raw(v, 'sealed')
    refuse_unless(len(value) >= 40, 'malformed')
    return {'plaintext': opened(key, value[:24], aad, value[24:])}


def code_of(entropy):
    return grouped(values_of(keyed(entropy, 'quire/entropy/1', u64(0)), 20))


def pairing(v):
    code = code_of(raw(v, 'old_entropy'))
    secret = joined(typed(code, 20), 13) + bytes(19)
    outputs = {'code': code, 'mailbox': keyed(secret, 'quire/pairbox/1', size=16)}
    new_secret, old_secret = (keyed(raw(v, side), 'quire/entropy/1', u64(1))
                              for side in ('new_entropy', 'old_entropy'))
    new_public, old_public = p.x25519_public(new_secret), p.x25519_public(old_secret)
    shared = p.x25519(new_secret, old_public)
    assert shared == p.x25519(old_secret, new_public)
    messages = {
        'request': (new_public, keyed(secret, 'quire/pairreq/1', new_public),
                    tagged('quire/pairreq/1', new_public)),
        'reply': (old_public, keyed(secret, 'quire/pairrep/1', new_public, old_public, shared),
                  tagged('quire/pairrep/1', new_public, old_public)),
    }
    for kind, (public, key, aad) in messages.items():
        text = padded(raw(v, kind + '_content'), 256)
        outputs[kind] = public + b''.join(sealed(key, raw(v, kind + '_entropy'), aad, text))
    return outputs


def pairing_message(v):
    """A message to one side, whose own ephemeral key, and code if it is the old one, are of its
    entropy."""
    message = raw(v, 'message')
    refuse_unless(len(message) >= 32 + 24 + 256 + 16, 'malformed')
    secret = joined(typed(v['code'], 20), 13) + bytes(19)
    peer, context = message[:32], f"quire/pair{v['kind'][:3]}/1"
    bound = peer
    if v['kind'] == 'reply':
        own = keyed(raw(v, 'entropy'), 'quire/entropy/1', u64(1))
        bound = p.x25519_public(own) + peer
        shared = p.x25519(own, peer)
        refuse_unless(any(shared), 'crypto')
        key = keyed(secret, context, bound, shared)
    else:
        assert v['code'] == code_of(raw(v, 'entropy'))
        key = keyed(secret, context, bound)
    return {'content': unpadded(opened(key, message[32:56], tagged(context, bound), message[56:]), 256)}


GROUPS = {
    'hash': hash_vector, 'keyed_hash': keyed_hash, 'entropy': entropy, 'padme': padme_vector,
    'padding': padding, 'words': words, 'device': device, 'signature': signature, 'kit': kit,
    'epoch_key': epoch_key, 'commitment': commitment, 'seal': seal, 'wrap': wrap, 'change': change,
    'name': name, 'local': local, 'pairing': pairing, 'pairing_message': pairing_message,
}


def outcome(group, vector):
    """What this file says a vector's outputs are, as they would stand in the file."""
    try:
        outputs = GROUPS[group](vector)
    except Refused as refused:
        return {'status': str(refused)}
    return {key: value.hex() if isinstance(value, bytes) else value for key, value in outputs.items()}


def faults(vectors):
    for group in sorted(set(vectors) ^ set(GROUPS) ^ {'about', 'contexts', 'word_list'}):
        yield f'{group}: a group without vectors, or vectors without a check'
    contexts = vectors['contexts']
    for a in contexts:
        if any(b != a and b.startswith(a) for b in contexts) or contexts.count(a) != 1:
            yield f'{a}: a prefix of another context'
    if len(set(word_list)) != 256:
        yield 'word_list: not 256 different words'
    for group in GROUPS:
        for number, vector in enumerate(vectors.get(group, [])):
            expected = outcome(group, vector)
            if 'status' in vector and 'status' not in expected:
                expected['status'] = '(accepted)'
            for key, value in expected.items():
                if vector.get(key) != value:
                    yield f'{group} {number}, {key}: {value}\n  instead of {vector.get(key)}'


def main():
    global word_list
    vectors = json.loads((pathlib.Path(sys.argv[1]) / 'crypto.json').read_text())
    word_list = vectors['word_list']
    found = list(faults(vectors))
    print('\n'.join(found) if found else
          f'{sum(len(vectors[group]) for group in GROUPS)} vectors: all as crypto.md says')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
