using System.Text;

namespace Converge.Swarm.Cli.Terminal;

/// <summary>Text from elsewhere, made fit for a terminal: no character in it can move the cursor, change colours or begin a new line.</summary>
internal static class Printable
{
    /// <summary>The text in one line; control characters become visible.</summary>
    public static string Line(string text)
    {
        if (!text.Any(char.IsControl))
        {
            return text;
        }

        StringBuilder line = new(text.Length);
        foreach (char character in text)
        {
            line.Append(character switch
            {
                '\r' => "",
                '\n' => "⏎",
                '\t' => " ",
                _ when char.IsControl(character) => "�",
                _ => character.ToString(),
            });
        }

        return line.ToString();
    }

    /// <summary>The text in one line, cut to a length with an ellipsis.</summary>
    public static string Line(string text, int maxLength)
    {
        string line = Line(text);
        return line.Length <= maxLength ? line : $"{line.AsSpan(0, maxLength - 1)}…";
    }
}
