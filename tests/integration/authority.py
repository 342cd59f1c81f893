"""Certificates of an authority: no fingerprint is pinned, and a server with a wrong certificate hears nothing."""
import subprocess

from harness import Failed, World, main, test


class Authority:
    """One that signs for the day, as a real one would."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self._openssl("req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
            "-days", "1", "-subj", "/CN=An authority")

    def _openssl(self, *arguments, clock=None):
        subprocess.run([*(["faketime", clock] if clock else []), "openssl", *arguments], cwd=self.folder, check=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def signs(self, name, subject, days=1, key=None, clock=None, extensions="", chain=False):
        """Flags for quired: a certificate for `subject`, with a key of its own unless one is named."""
        (self.folder / f"{name}.ext").write_text(f"subjectAltName={subject}\n{extensions}")
        if key is None:
            key = name
            self._openssl("genpkey", "-algorithm", "ed25519", "-out", f"{key}.key")
        self._openssl("req", "-new", "-key", f"{key}.key", "-out", f"{name}.csr", "-subj", "/CN=quired")
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-out", f"{name}.pem", "-extfile", f"{name}.ext", "-days", str(days), clock=clock)
        if chain:
            with open(self.folder / f"{name}.pem", "a") as file:
                file.write((self.folder / "ca.pem").read_text())
        return ["--cert", self.folder / f"{name}.pem", "--key", self.folder / f"{key}.key"]

    def signs_itself(self, name, subject, days=1, key=None, clock=None):
        """Flags for quired: a certificate of no authority."""
        if key is None:
            key = name
            self._openssl("genpkey", "-algorithm", "ed25519", "-out", f"{key}.key")
        self._openssl("req", "-x509", "-key", f"{key}.key", "-out", f"{name}.pem", "-days", str(days), "-subj",
            "/CN=quired", "-addext", f"subjectAltName={subject}", clock=clock)
        return ["--cert", self.folder / f"{name}.pem", "--key", self.folder / f"{key}.key"]

    def trusted_by(self, device):
        device.environment["SSL_CERT_FILE"] = str(self.folder / "ca.pem")
        return device


def refused(device, *why, pin=False):
    """A sync that ends with the certificate, even for a user who takes any; nothing of the user's is lost."""
    entry = device.write("kept here")
    before = device.json("server")["fingerprint"]
    for flags in [[]] if pin else [[], ["--trust-first-use"]]:
        try:
            device.run("sync", *flags)
        except Failed as failure:
            assert failure.code == 4, failure
            for part in why:
                assert part in failure.err, failure.err
            assert "Nothing was sent" in failure.err, failure.err
            assert ("--fingerprint" in failure.err) == pin, failure.err
        else:
            raise AssertionError("it talked to a server whose certificate is wrong")
    assert device.json("server")["fingerprint"] == before, "a wrong certificate was pinned"
    assert device.show(entry) == "kept here"
    assert device.status()["unacknowledged"] > 0 or device.status()["unsealed"] > 0


def account(world, server):
    """One that pins nothing."""
    server.fingerprint = None
    return world.device("phone", server)


def replaced(server, flags):
    server.stop()
    server.flags = flags
    server.start()


@test
def whom_an_authority_vouches_for_needs_no_fingerprint():
    with World() as world:
        authority = Authority(world.folder / "authority")
        server = world.server(*authority.signs("first", "IP:127.0.0.1"))
        phone = authority.trusted_by(account(world, server)).init()
        entry = phone.write("vouched for")
        phone.sync()
        server.stop()
        server.flags = authority.signs("renewed", "IP:127.0.0.1")
        server.start()
        server.fingerprint = None
        laptop = authority.trusted_by(world.device("laptop", server))
        laptop.join(phone)
        assert laptop.show(entry) == "vouched for"


@test
def each_fault_of_a_certificate_has_its_sentence_and_is_never_trusted_at_first_contact():
    with World() as world:
        authority = Authority(world.folder / "authority")
        here = "IP:127.0.0.1"
        faults = {
            "elsewhere": (authority.signs("elsewhere", "DNS:journal.example,IP:127.0.0.2"),
                ["is for journal.example, 127.0.0.2, not for 127.0.0.1"]),
            "over": (authority.signs("over", here, days=-1), ["its certificate expired on 20", "has to renew"]),
            "early": (authority.signs("early", here, days=9, clock="+5 days"), ["valid only from 20", "clock"]),
            "purpose": (authority.signs("purpose", here, extensions="extendedKeyUsage=clientAuth\n"),
                ["may not be used for this purpose"]),
        }
        server = world.server(*faults["over"][0])
        phone = authority.trusted_by(account(world, server)).init()
        for name, (flags, sentences) in faults.items():
            replaced(server, flags)
            refused(phone, *sentences)
        # Each of them under an authority that is unknown as well, which is no reason to ask.
        phone.environment["SSL_CERT_FILE"] = "/dev/null"
        for name, (flags, sentences) in faults.items():
            replaced(server, flags)
            refused(phone, *sentences)
        replaced(server, authority.signs_itself("own", here, clock="-5 days"))
        refused(phone, "expired on 20")


@test
def an_authority_that_is_over_is_named():
    with World() as world:
        authority = Authority(world.folder / "authority")
        server = world.server(*authority.signs("long", "IP:127.0.0.1", days=30))
        phone = authority.trusted_by(account(world, server)).init()
        entry = phone.write("kept here")
        try:
            phone.run("sync", wrapper=["faketime", "+9 days"])
        except Failed as failure:
            assert "the certificate of its authority expired on 20" in failure.err, failure.err
        else:
            raise AssertionError("its authority is over")
        assert phone.show(entry) == "kept here"


@test
def unknown_authorities_and_certificates_signed_by_themselves_may_be_trusted_when_asked():
    with World() as world:
        authority = Authority(world.folder / "authority")
        server = world.server(*authority.signs("unknown", "IP:127.0.0.1"))
        phone = account(world, server)
        phone.environment["SSL_CERT_FILE"] = "/dev/null"
        phone.init()
        for flags, why in [(server.flags, "no authority that this machine knows"),
                (authority.signs_itself("own", "IP:127.0.0.1"), "signed by itself"),
                (authority.signs_itself("other", "DNS:elsewhere.example"), "signed by itself")]:
            replaced(server, flags)
            phone.run("server", server.url)
            phone.write("a text")
            try:
                phone.sync()
            except Failed as failure:
                assert why in failure.err and server.fingerprint in failure.err and "--fingerprint" in failure.err, failure.err
            else:
                raise AssertionError("it was trusted without a question")
            phone.run("sync", "--trust-first-use")
            assert phone.json("server")["fingerprint"] == server.fingerprint
            phone.sync()


@test
def a_renewed_certificate_of_the_pinned_key_is_accepted_and_pinned():
    with World() as world:
        authority = Authority(world.folder / "authority")
        server = world.server(*authority.signs_itself("first", "IP:127.0.0.1"))
        phone = world.device("phone", server).init()
        phone.sync()
        pinned = server.fingerprint
        replaced(server, authority.signs_itself("second", "IP:127.0.0.1", days=2, key="first"))
        assert server.fingerprint != pinned
        phone.write("after the renewal")
        phone.sync()
        assert phone.json("server")["fingerprint"] == server.fingerprint
        replaced(server, authority.signs_itself("thief", "IP:127.0.0.1"))
        refused(phone, "not the pinned one", "another machine answers in its place", pin=True)


@test
def a_renewed_certificate_of_the_pinned_authority_is_accepted_and_pinned():
    with World() as world:
        authority = Authority(world.folder / "authority")
        impostor = Authority(world.folder / "impostor")
        here = "IP:127.0.0.1"
        server = world.server(*authority.signs("first", here, chain=True))
        phone = world.device("phone", server).init()
        phone.environment["SSL_CERT_FILE"] = "/dev/null"
        phone.sync()
        replaced(server, authority.signs("second", here, chain=True))
        phone.write("after the renewal")
        phone.sync()
        assert phone.json("server")["fingerprint"] == server.fingerprint
        # The name and the time count for a certificate that is new; another authority of the same name does not.
        replaced(server, authority.signs("over", here, days=-1, chain=True))
        refused(phone, "expired on 20")
        replaced(server, authority.signs("elsewhere", "IP:127.0.0.2", chain=True))
        refused(phone, "is for 127.0.0.2, not for 127.0.0.1")
        replaced(server, impostor.signs("theirs", here, chain=True))
        refused(phone, "not the pinned one", pin=True)
        with open(impostor.folder / "theirs.pem", "a") as file:
            file.write((authority.folder / "ca.pem").read_text())
        server.stop()
        server.start()
        refused(phone, "not the pinned one", pin=True)
        replaced(server, authority.signs("third", here, chain=True))
        phone.sync()


@test
def a_profile_of_an_earlier_release_learns_the_key_of_the_certificate_it_pins():
    with World() as world:
        authority = Authority(world.folder / "authority")
        server = world.server(*authority.signs_itself("first", "IP:127.0.0.1"))
        phone = world.device("phone", server).init()
        config = phone.profile / "config"
        phone.sync()
        assert "pinned_key = " in config.read_text()
        config.write_text("".join(line for line in config.read_text().splitlines(True) if "pinned_" not in line))
        phone.sync()
        assert "pinned_key = " in config.read_text()
        replaced(server, authority.signs_itself("second", "IP:127.0.0.1", days=2, key="first"))
        phone.sync()


main()
