using System.Text;

namespace Converge.Raft.Tests.ScriptRunner;

/// <summary>Collects the output of a block; a quiet one swallows it.</summary>
internal sealed class ScriptOutput
{
    private StringBuilder _text = new();

    public bool IsQuiet { get; set; }

    public void Write(string text)
    {
        if (!IsQuiet)
        {
            _text.Append(text);
        }
    }

    public void WriteLine(string line)
    {
        Write(line);
        Write("\n");
    }

    /// <summary>Runs something whose lines of output are indented.</summary>
    public void Indented(Action action)
    {
        StringBuilder outer = _text;
        _text = new StringBuilder();
        action();
        string inner = _text.ToString();
        _text = outer;
        if (inner.Length > 0)
        {
            foreach (string line in (inner.EndsWith('\n') ? inner[..^1] : inner).Split('\n'))
            {
                WriteLine($"  {line}");
            }
        }
    }

    public string Take()
    {
        string text = _text.ToString();
        _text.Clear();
        return text;
    }
}
