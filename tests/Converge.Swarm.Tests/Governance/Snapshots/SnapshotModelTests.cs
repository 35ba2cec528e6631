using Converge.Core;
using Converge.Swarm.Governance;
using Converge.Swarm.Ledger;
using Converge.Swarm.Storage;
using Converge.Swarm.Tests.Storage;
using FsCheck;
using FsCheck.Fluent;

namespace Converge.Swarm.Tests.Governance;

/// <summary>Random histories with snapshots at random places: nothing may differ from a state that never heard of a snapshot.</summary>
public sealed class SnapshotModelTests
{
    private const int MaxSessions = 4;
    private const int MaxAnswers = 12;
    private const ulong Window = 6;

    private static readonly string[] Proposals = ["p", "q", "r", "s", "t", "漢", "😀"];

    private enum Step
    {
        Commit,
        Freeze,
        Rebase,
        Thaw,
        Restart,
    }

    private static Gen<FactSubmission> Submission =>
        from kind in Gen.Frequency(
            (2, Gen.Constant(FactKind.ProposalCreated)),
            (9, Gen.Elements(Enum.GetValues<FactKind>().Except([FactKind.ProposalCreated]).ToArray())))
        from proposal in Gen.Elements(Proposals)
        from actor in Gen.Elements("a", "b", "c", "é", "\U0001F600")
        from session in Gen.Frequency((1, Gen.Constant<string?>(null)), (2, Gen.Elements<string?>("s", "t", "u", "v", "w")))
        from number in Gen.Frequency((8, Gen.Choose(1, 8)), (1, Gen.Choose(9, 40)))
        select new FactSubmission(
            FactShape.Create(kind, proposal, actor, kind.RequiresReason() ? "because" : null),
            CommandId: session is null ? null : new CommandId(session, (ulong)number));

    private static Gen<(Step Step, FactSubmission Submission)> Steps =>
        from step in Gen.Frequency(
            (16, Gen.Constant(Step.Commit)), (2, Gen.Constant(Step.Freeze)), (2, Gen.Constant(Step.Rebase)), (1, Gen.Constant(Step.Thaw)), (1, Gen.Constant(Step.Restart)))
        from submission in Submission
        select (step, submission);

    [Fact]
    public void A_state_with_snapshots_is_equal_in_everything_to_one_without()
    {
        Dictionary<Step, int> done = [];
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(150),
            Prop.ForAll(Gen.ListOf(Steps, 120).ToArbitrary(), history =>
            {
                var plain = new AgreedLog(new GovernanceState(MaxSessions, MaxAnswers, Window));
                var model = new ReferenceModel(MaxSessions, MaxAnswers, Window);
                using var run = new SnapshotRun(plain);
                foreach ((Step step, FactSubmission submission) in history)
                {
                    bool happened = step switch
                    {
                        Step.Commit => run.Commit(submission, model),
                        Step.Freeze => run.Freeze(),
                        Step.Rebase => run.Rebase(),
                        Step.Thaw => run.Thaw(),
                        Step.Restart => run.Restart(),
                        _ => throw new ArgumentOutOfRangeException(nameof(history), step, "Not a step."),
                    };
                    done[step] = done.GetValueOrDefault(step) + (happened ? 1 : 0);
                    run.AssertEqual();
                }

                run.AssertEqualBytes();
            }));

        // The histories must have met everything, or the agreement above means little.
        Assert.All(Enum.GetValues<Step>(), step => Assert.True(done.GetValueOrDefault(step) > 50, $"{step} happened {done.GetValueOrDefault(step)} times."));
    }

    [Fact]
    public async Task A_snapshot_is_written_while_entries_are_applied()
    {
        using var folder = new TemporaryFolder();
        using var ledger = new SnapshotLedger();
        var plain = new AgreedLog();
        var state = new GovernanceState();
        StateSnapshotFile? below = null;
        for (int round = 0; round < 6; round++)
        {
            Commit(round, 0, 400);
            FrozenState frozen = state.Freeze();
            string path = Path.Combine(folder.Path, $"snapshot-{round}");
            LedgerCheckpoint checkpoint = ledger.Ledger.CheckpointAt(frozen.LastSequence);
            Task writing = Task.Run(() => StateSnapshotFile.Write(PhysicalDisk.Instance, path, frozen, checkpoint, SnapshotLedger.Configuration, default));
            int more = 0;
            do
            {
                Commit(round, 400 + more, 400 + (more += 50));
            }
            while (!writing.IsCompleted && more < 5_000);
            await writing;
            var snapshot = StateSnapshotFile.Open(PhysicalDisk.Instance, path);
            snapshot.Verify();
            state.Rebase(snapshot)?.Dispose();
            below = snapshot;
            Commit(round, 400 + more, 500 + more);
        }

        for (int i = 0; i < 300; i++)
        {
            SnapshotLedger.AssertSame(plain.State.Get($"p-{i}"), state.Get($"p-{i}", ledger.Ledger));
        }

        below!.Dispose();

        void Commit(int round, int from, int to)
        {
            for (int i = from; i < to; i++)
            {
                string proposal = $"p-{((round * 977) + (i * 31)) % 300}";
                GovernanceFact fact = (i % 5) switch
                {
                    0 => new ProposalCreated(proposal, "ann"),
                    1 => new ValidationFailed(proposal, $"ci-{round}", "red"),
                    2 => new OverrideGranted(proposal, "eve", "known"),
                    3 => new PromotionApproved(proposal, $"bob-{i % 7}"),
                    _ => new RollbackIssued(proposal, "carl", "no"),
                };
                ApplyOutcome expected = plain.Commit(fact, new CommandId($"s-{i % 3}", (ulong)plain.Entries.Count + 1));
                ApplyOutcome actual = state.Apply(state.AppliedIndex.Next, plain.Term, plain.Entries[^1]);
                ledger.Record(actual, state);
                Assert.Equal(expected.ToAnswer(), actual.ToAnswer());
                Assert.Equal(plain.State.Digest, state.Digest);
            }
        }
    }

    /// <summary>One state that never heard of a snapshot, and one that lives by them.</summary>
    private sealed class SnapshotRun(AgreedLog plain) : IDisposable
    {
        private readonly SnapshotLedger _ledger = new();
        private GovernanceState _state = new(MaxSessions, MaxAnswers, Window);
        private FrozenState? _frozen;
        private StateSnapshotFile? _base;

        public bool Commit(FactSubmission submission, ReferenceModel model)
        {
            ApplyOutcome expected = plain.Commit(submission);
            ApplyOutcome actual = _state.Apply(_state.AppliedIndex.Next, plain.Term, plain.Entries[^1]);
            _ledger.Record(actual, _state);
            Assert.Equal(expected.ToAnswer(), actual.ToAnswer());
            Assert.Equal((expected.Result, expected.Record?.Hash), (actual.Result, actual.Record?.Hash));
            Assert.Equal(model.Submit(submission), actual.ToAnswer() switch
            {
                FactAccepted accepted => (accepted.Sequence, accepted.Revision),
                FactRefused refused => (refused.Code, refused.Revision),
                _ => throw new InvalidOperationException("A fact is accepted or refused."),
            });
            return true;
        }

        public bool Freeze()
        {
            if (_state.IsFrozen || _base?.Header.Index == _state.AppliedIndex)
            {
                return false;
            }

            _frozen = _state.Freeze();
            return true;
        }

        public bool Rebase()
        {
            if (_frozen is null)
            {
                return false;
            }

            StateSnapshotFile snapshot = _ledger.WriteAndOpen(_frozen);
            snapshot.Verify();
            Assert.Same(_base, _state.Rebase(snapshot));
            _base?.Dispose();
            (_base, _frozen) = (snapshot, null);
            Assert.True((ulong)_state.ChangedProposals <= _state.ProposalCount);
            return true;
        }

        public bool Thaw()
        {
            if (_frozen is null)
            {
                return false;
            }

            _state.Thaw();
            _frozen = null;
            return true;
        }

        /// <summary>The process ends: a new one has the last snapshot and the entries behind it.</summary>
        public bool Restart()
        {
            if (_base is null)
            {
                return false;
            }

            StateSnapshotFile reopened = _ledger.Folder.OpenNewest(out IReadOnlyList<SnapshotDamagedException> damaged)!;
            Assert.Empty(damaged);
            Assert.Equal(_base.Mark, reopened.Mark);
            _base.Dispose();
            (_base, _frozen) = (reopened, null);
            _state = new GovernanceState(_base, MaxSessions, MaxAnswers, Window);
            foreach (byte[] entry in plain.Entries.Skip((int)_base.Header.Index.Value))
            {
                _ledger.Record(_state.Apply(_state.AppliedIndex.Next, plain.Term, entry), _state);
            }

            return true;
        }

        public void AssertEqual()
        {
            GovernanceState expected = plain.State;
            Assert.Equal(
                (expected.AppliedIndex, expected.AppliedTerm, expected.LastStamp, expected.LastSequence, expected.LastHash, expected.Digest),
                (_state.AppliedIndex, _state.AppliedTerm, _state.LastStamp, _state.LastSequence, _state.LastHash, _state.Digest));
            Assert.Equal(
                (expected.ProposalCount, expected.SessionCount, expected.AnswerCount), (_state.ProposalCount, _state.SessionCount, _state.AnswerCount));
        }

        public void AssertEqualBytes()
        {
            foreach (string proposal in Proposals)
            {
                SnapshotLedger.AssertSame(plain.State.Get(proposal), _state.Get(proposal, _ledger.Ledger));
            }

            Thaw();
            string one = _ledger.Write(_state.Freeze(), "data/one");
            string other = _ledger.Write(plain.State.Freeze(), "data/other");
            Assert.Equal(_ledger.Disk.Bytes(other), _ledger.Disk.Bytes(one));
        }

        public void Dispose()
        {
            _base?.Dispose();
            _ledger.Dispose();
        }
    }
}
